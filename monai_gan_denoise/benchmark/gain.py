"""The gain between the sides of a real pair, which scanners and windows set for each side by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["map_reference"]


def map_reference(
    reference: npt.NDArray[np.float64], noisy: npt.NDArray[np.float64], smoothing: float
) -> npt.NDArray[np.float64]:
    """Map a reference to the intensities of the noisy image, ``gain * reference + offset``.

    Gain and offset are those of least squares between the two images smoothed, so that the noise does not lower the
    gain: ``min sum (gain * G(reference) + offset - G(noisy))^2``.

    Args:
        reference: ``(H, W)``, not constant; not modified.
        noisy: same shape.
        smoothing: standard deviation of the Gaussian G, in pixels, positive.

    Raises:
        ValueError: if the reference is constant.
    """
    from skimage.filters import gaussian

    x, y = (np.asarray(gaussian(image, smoothing)) for image in (reference, noisy))
    spread = float(np.var(x))
    if spread == 0:
        raise ValueError(f"reference must vary, got {float(reference.flat[0]):g} everywhere. Leave the pair out.")
    gain = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread
    return np.asarray(gain * (reference - x.mean()) + y.mean())
