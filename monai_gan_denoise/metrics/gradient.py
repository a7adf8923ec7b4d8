"""How strong the edges of an image are: a denoiser that smooths has fewer strong ones, one that invents has more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["gradient_histogram_distance", "gradient_magnitude"]


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
