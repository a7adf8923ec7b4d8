"""The spectrum: frequencies that are still far off weigh most."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FocalFrequencyLoss"]


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
