"""Edges: whether they stay where they were, and whether there are as many strong ones as before."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["correlation", "edge_preservation", "gradient_histogram_distance", "gradient_magnitude"]


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


def gradient_magnitude(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the length of the gradient by central differences, one-sided at the border.

    Args:
        image: ``(H, W)``.

    Returns:
        Same shape, in the image's units per pixel.
    """
    return np.asarray(np.hypot(*np.gradient(image)))


def gradient_histogram_distance(clean: npt.NDArray[np.float64], output: npt.NDArray[np.float64]) -> float:
    """Compare the distributions of the gradient's length, wherever in the image each length lies.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.

    Returns:
        Wasserstein's distance of first order, in the images' units per pixel; 0 if the distributions are equal. It
        needs no bins: it is the area between the two cumulative distributions.

    Reference: Rubner, Tomasi & Guibas, "The earth mover's distance as a metric for image retrieval", IJCV 2000.
    """
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(*(gradient_magnitude(image).ravel() for image in (clean, output))))


def correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Correlate two images pixel by pixel.

    Returns:
        In [-1, 1]; NaN if one of them is constant, for which there is no correlation.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
