"""The mean of every neighborhood: noise is removed, HU and signal stay."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MeanPreservationLoss"]

NEIGHBORHOOD = 16  # pixels a side: half a lung vessel's distance, some ten times the width of the noise's grain


class MeanPreservationLoss(nn.Module):
    """Mean absolute error of the means over squares of 16 x 16 pixels: the bias that a measurement in a region sees."""

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)`` and at least 16 pixels wide; a scalar."""
        return F.avg_pool2d(estimate - label, NEIGHBORHOOD).abs().mean()
