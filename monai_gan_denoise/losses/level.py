"""The noise-level map that the generator draws beside its estimate."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NoiseLevelLoss"]

LEVEL_FLOOR = 0.01  # network units: below it an error of the map counts absolutely, above it relatively
LEVEL_WINDOW = 9  # pixels: the neighborhood whose deviation is called the local noise level


class NoiseLevelLoss(nn.Module):
    """Mean relative error of the map against the root mean square of ``noisy - label`` in a window of 9 pixels."""

    def forward(self, level: Tensor, noisy: Tensor, label: Tensor) -> Tensor:
        """Compare the map with the noise there was, all ``(B, C, H, W)``; a scalar."""
        squares = (noisy - label).square()
        truth = F.avg_pool2d(squares, LEVEL_WINDOW, 1, LEVEL_WINDOW // 2, count_include_pad=False).sqrt()
        return ((level - truth).abs() / (truth + LEVEL_FLOOR)).mean()
