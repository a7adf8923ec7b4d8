"""False detections: lesions that a denoiser makes out of noise."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.metrics.discs import Disc, disc_profile

__all__ = ["count_detections", "disc_response"]

Values = npt.NDArray[np.float64]


def disc_response(image: Values, diameter: float) -> Values:
    """Correlate an image with a disc, by a matched filter of zero mean.

    Args:
        image: ``(H, W)``; continued by reflection beyond its borders.
        diameter: of the disc, in pixels.

    Returns:
        Same shape: at each pixel the contrast, in the image's units, of the disc around it that fits best by least
        squares in a square of two diameters.
    """
    from scipy.ndimage import correlate

    reach = math.ceil(diameter)
    side = 2 * reach + 1
    template = disc_profile((side, side), Disc(reach, reach, diameter))
    template -= template.mean()
    return np.asarray(correlate(image, template / np.sum(template**2), mode="reflect"))


def count_detections(image: Values, diameter: float, threshold: float) -> int:
    """Count what looks like discs, bright or dark.

    On the output of a phantom of noise alone every one is false. The threshold is a contrast, and no property of the
    output: methods are compared at one and the same, such as half the contrast of the lesion that a reader looks for.

    Args:
        image: ``(H, W)``, at least four diameters each way.
        diameter: of the discs looked for, in pixels.
        threshold: contrast from which on a disc counts, in the image's units, positive.

    Returns:
        The number of local maxima of ``|disc_response|`` above the threshold and farther apart than half a diameter,
        those nearer than a diameter to the border left out.

    Raises:
        ValueError: if the threshold is not positive.
    """
    from skimage.feature import peak_local_max

    if not threshold > 0:
        raise ValueError(f"threshold must be positive, got {threshold:g}. Pass a contrast in the image's units.")
    reach = math.ceil(diameter)
    response = np.abs(disc_response(image, diameter))
    return len(peak_local_max(response, math.ceil(diameter / 2), threshold, exclude_border=reach))
