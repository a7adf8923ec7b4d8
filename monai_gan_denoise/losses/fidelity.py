"""Fidelity to the clean image: pixel by pixel, in decibels and absolutely; of edges, regional means and spectrum."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CharbonnierLoss", "FocalFrequencyLoss", "GradientLoss", "LogErrorLoss", "MeanPreservationLoss"]

SMOOTHING = 1e-3  # network units: smaller errors count as their square, larger ones as they are
NEIGHBORHOOD = 16  # pixels a side: half a lung vessel's distance, some ten times the width of the noise's grain


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


class GradientLoss(nn.Module):
    """Mean absolute error of the differences between neighboring pixels, along rows and along columns.

    Reference: Mathieu et al., "Deep multi-scale video prediction beyond mean square error", ICLR 2016, eq. 6.
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        error = estimate - label
        return (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()) / 2


class MeanPreservationLoss(nn.Module):
    """Mean absolute error of the means over squares of 16 x 16 pixels: the bias that a measurement in a region sees."""

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)`` and at least 16 pixels wide; a scalar."""
        return F.avg_pool2d(estimate - label, NEIGHBORHOOD).abs().mean()


class FocalFrequencyLoss(nn.Module):
    """Mean of the squared error of the spectrum, each frequency weighed by its own error relative to the largest.

    MONAI's JukeboxLoss compares amplitudes, whose root has no gradient at 0, where black patches are.

    Reference: Jiang et al., "Focal frequency loss for image reconstruction and synthesis", ICCV 2021, eqs. 7 and 8,
    with alpha = 1.
    """

    def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
        """Compare an estimate with the clean image, both ``(B, C, H, W)``; a scalar."""
        spectrum = torch.fft.rfft2(estimate.float() - label.float(), norm="ortho")
        squares = spectrum.real.square() + spectrum.imag.square()
        magnitudes = squares.detach().sqrt()
        weights = magnitudes / magnitudes.amax((-2, -1), keepdim=True).clamp(min=torch.finfo(magnitudes.dtype).tiny)
        loss: Tensor = (weights * squares).mean()
        return loss
