"""Structural similarity at one scale or several, as a loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MultiScaleSSIMLoss"]

WINDOW = 7  # pixels; as scikit-image's default, a square without weights
C1, C2 = 0.01**2, 0.03**2  # of Wang et al., for images of range 1
SIMILARITY_FLOOR = 1e-3  # of a scale; keeps a root of 0 or less out of the gradient


class MultiScaleSSIMLoss(nn.Module):
    """One minus the multi-scale structural similarity, in windows of 7 x 7 pixels.

    Contrast and structure are compared at every scale, luminance at the coarsest alone; between scales the resolution
    is halved. With one scale this is 1 - SSIM. The means of the windows are differences of running sums: MONAI's
    convolution with a window takes a fifth of the whole training step on a CPU, this a twentieth.

    Args:
        weights: exponent of each scale, the finest first, adding up to 1. Images must be wider than 6 pixels at the
            coarsest.

    Raises:
        ValueError: if ``weights`` is empty or negative or does not add up to 1.

    Reference: Wang et al., "Multiscale structural similarity for image quality assessment", Asilomar 2003, eq. 7.
    """

    def __init__(self, weights: Sequence[float] = (0.7, 0.3)) -> None:
        super().__init__()
        if not weights or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"weights must be positive and add up to 1, got {list(weights)}. Pass one a scale.")
        self.weights = tuple(weights)

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)`` in network units; a scalar."""
        similarity = estimate.new_ones(len(estimate))
        for scale, weight in enumerate(self.weights, 1):
            luminance, contrast = _compare(estimate, label)
            coarsest = scale == len(self.weights)
            chosen = luminance * contrast if coarsest else contrast
            similarity = similarity * chosen.flatten(1).mean(1).clamp(min=SIMILARITY_FLOOR) ** weight
            if not coarsest:
                estimate, label = F.avg_pool2d(estimate, 2), F.avg_pool2d(label, 2)
        return 1 - similarity.mean()


def _compare(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Map the similarity in luminance, and that in contrast and structure."""
    moments = _window_mean(torch.cat((x, y, x * x, y * y, x * y)))
    mean_x, mean_y, square_x, square_y, product = moments.chunk(5)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    spread = square_x - mean_x**2 + square_y - mean_y**2
    return luminance, (2 * (product - mean_x * mean_y) + C2) / (spread + C2)


def _window_mean(images: Tensor) -> Tensor:
    for axis in (-2, -1):
        sums = F.pad(images, (1, 0) if axis == -1 else (0, 0, 1, 0)).cumsum(axis)
        width = sums.shape[axis] - WINDOW
        images = (sums.narrow(axis, WINDOW, width) - sums.narrow(axis, 0, width)) / WINDOW
    return images
