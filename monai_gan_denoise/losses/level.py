"""The noise-level map that the network draws before it denoises."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["NoiseLevelLoss"]

LEVEL_FLOOR = 0.005  # network units: below it an error of the map counts absolutely, above it relatively; 15 HU


class NoiseLevelLoss(nn.Module):
    """Mean squared error of the map's logarithm against that of the noise level that there was.

    Texture that may or may not be noise gets a level between. A relative error, or an absolute one, is least where the
    map jumps from one answer to the other, and an error relative to the true level weighs images without noise so much
    that all doubt becomes "no noise".
    """

    def forward(self, level: Tensor, truth: Tensor) -> Tensor:
        """Compare the map with the true one, both ``(B, C, H, W)`` and not negative; a scalar."""
        return ((level + LEVEL_FLOOR).log() - (truth + LEVEL_FLOOR).log()).square().mean()
