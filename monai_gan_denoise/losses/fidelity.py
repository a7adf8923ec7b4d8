"""Fidelity to the clean image, pixel by pixel: in decibels, and absolutely."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CharbonnierLoss", "LogErrorLoss"]

ERROR_FLOOR = 1e-6  # squared network units: an image within 60 dB of the clean one is as good as clean
SMOOTHING = 1e-3  # network units: smaller errors count as their square, larger ones as they are


class LogErrorLoss(nn.Module):
    """Mean over images of ``log(MSE + 1e-6) / 2``: a decibel gained weighs the same at every noise level.

    Alone it lets go of images that are far off, whose gradient it divides by their error; ``CharbonnierLoss`` beside it
    holds them.

    Reference: Chen et al., "HINet", CVPR Workshops 2021 (PSNR as the loss).
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        return torch.log((estimate - label).square().flatten(1).mean(1) + ERROR_FLOOR).mean() / 2


class CharbonnierLoss(nn.Module):
    """Mean of ``sqrt(error^2 + 1e-6)``, the absolute error without its corner at 0.

    Reference: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed imaging",
    ICIP 1994.
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        return ((estimate - label).square() + SMOOTHING**2).sqrt().mean()
