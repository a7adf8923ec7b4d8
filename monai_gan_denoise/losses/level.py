"""The noise-level map that the network draws beside its estimate."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["NoiseLevelLoss"]

LEVEL_FLOOR = 0.002  # network units: below it an error of the map counts absolutely, above it relatively; 6 HU


class NoiseLevelLoss(nn.Module):
    """Mean relative error of the map against the noise level that there was."""

    def forward(self, level: Tensor, truth: Tensor) -> Tensor:
        """Compare the map with the true one, both ``(B, C, H, W)`` and not negative; a scalar."""
        return ((level - truth).abs() / (truth + LEVEL_FLOOR)).mean()
