"""Edges: the differences between neighbors, compared with those of the clean image."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["GradientLoss"]


class GradientLoss(nn.Module):
    """Mean absolute error of the differences between neighboring pixels, along rows and along columns.

    Reference: Mathieu et al., "Deep multi-scale video prediction beyond mean square error", ICLR 2016, eq. 6.
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        error = estimate - label
        return (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()) / 2
