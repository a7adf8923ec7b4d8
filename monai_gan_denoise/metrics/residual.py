"""Whether what a denoiser removed shows the anatomy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.metrics.edges import correlation, gradient_magnitude

__all__ = ["residual_correlation"]


def residual_correlation(
    clean: npt.NDArray[np.float64], output: npt.NDArray[np.float64], noisy: npt.NDArray[np.float64]
) -> float:
    """Correlate the size of what was removed with the edges of the clean image.

    Noise that does not hang on the signal gives 0 if it alone was removed. Noise that does, such as speckle, follows
    the anatomy by itself: compare methods on one noise, not one method on several.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.
        noisy: same shape and units.

    Returns:
        Pearson's correlation of ``|noisy - output|`` with the length of the clean image's gradient; NaN if either is
        constant, as where nothing was removed.
    """
    return correlation(np.abs(noisy - output), gradient_magnitude(clean))
