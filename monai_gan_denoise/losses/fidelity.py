"""Fidelity to the clean image, pixel by pixel: in decibels, and absolutely."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CharbonnierLoss", "LogErrorLoss"]

SMOOTHING = 1e-3  # network units: smaller errors count as their square, larger ones as they are


class LogErrorLoss(nn.Module):
    """Mean over images of ``log(MSE + floor) / 2``: a decibel gained weighs the same at every noise level.

    Alone it lets go of images that are far off, whose gradient it divides by their error; ``CharbonnierLoss`` beside it
    holds them. The floor ends the race for clean images: where weak noise and a clean image's own cannot be told apart,
    every decibel above it is bought by leaving the noise in.

    Reference: Chen et al., "HINet", CVPR Workshops 2021 (PSNR as the loss).

    Args:
        floor: squared network units; 1e-5 stands for 50 dB, at which an image is as good as clean.

    Raises:
        ValueError: if ``floor`` is not positive.
    """

    def __init__(self, floor: float = 1e-5) -> None:
        super().__init__()
        if floor <= 0:
            raise ValueError(f"floor must be positive, got {floor}. Pass a squared error such as 1e-5.")
        self.floor = floor

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        return torch.log((estimate - label).square().flatten(1).mean(1) + self.floor).mean() / 2


class CharbonnierLoss(nn.Module):
    """Mean of ``sqrt(error^2 + 1e-6)``, the absolute error without its corner at 0.

    Reference: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed imaging",
    ICIP 1994.
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        return ((estimate - label).square() + SMOOTHING**2).sqrt().mean()
