"""Whether edges stay where they were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.metrics.correlation import correlation

__all__ = ["edge_preservation"]


def edge_preservation(clean: npt.NDArray[np.float64], output: npt.NDArray[np.float64]) -> float:
    """Give the edge preservation index: the correlation of the two images after a high-pass filter, the Laplacian.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.

    Returns:
        1 for equal edges, 0 for unrelated ones; NaN if an image has none.

    Reference: Sattar, Floreby, Salomonsson & Lovstrom, "Image enhancement based on a nonlinear multiscale method", IEEE
        Transactions on Image Processing 1997.
    """
    from scipy.ndimage import laplace

    return correlation(laplace(clean), laplace(output))
