"""The smoothing of a display, over compressed speckle of known statistics."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_gan_denoise.transforms.noise.looks import PointSpread

__all__ = ["REACH", "smooth_log_speckle"]

REACH = 2  # pixels on either side that the filter takes
SHARPEST = 0.1  # pixels; a Gaussian this narrow takes the pixel alone
TERMS = 12  # of the covariance's series; the rest, under 8 % of the variance, is taken as white


def smooth_log_speckle(standard: Tensor, widths: Tensor, looks: Tensor, spread: PointSpread) -> Tensor:
    """Filter standardized logarithms of speckle by a Gaussian, and standardize them again.

    The covariance of the logarithms of two intensities of L looks, whose complex fields correlate by r, is
    ``sum_k w_k r^(2 k)``, ``w_k = (k - 1)! Gamma(L) / (k Gamma(L + k))``: for one look, the dilogarithm of ``r^2``.
    With Gaussian point spreads each term is a Gaussian of the lag, so what the filter leaves of it is a product of two
    sums.

    Args:
        standard: of variance 1, ``(N, H + 2 REACH, W + 2 REACH)``; not modified.
        widths: standard deviations of the filter, in pixels, ``(N, 1, 1)``.
        looks: averaged in ``standard``, ``(N, 1, 1)``.
        spread: its point-spread functions.

    Returns:
        Of variance 1 in every row, ``(N, H, W)``.

    Reference: Kibble, "A two-variate gamma type distribution", Sankhya 1941 (the joint law, whose expansion gives the
        series).
    """
    offsets = torch.arange(-REACH, REACH + 1, dtype=standard.dtype, device=standard.device)
    weights = torch.exp(-0.5 * (offsets / widths.clamp(min=SHARPEST)).square())
    weights = weights / weights.sum(-1, keepdim=True)
    height, width = (length - 2 * REACH for length in standard.shape[-2:])
    rows = standard.new_zeros(len(standard), height, standard.shape[-1])
    for start, weight in enumerate(weights.split(1, dim=-1)):
        rows.addcmul_(weight, standard[:, start : start + height])
    filtered = standard.new_zeros(len(standard), height, width)
    for start, weight in enumerate(weights.split(1, dim=-1)):
        filtered.addcmul_(weight, rows[..., start : start + width])
    return filtered.div_(_left(weights, looks, spread, height))


def _left(weights: Tensor, looks: Tensor, spread: PointSpread, height: int) -> Tensor:
    """Compute the deviation after filtering, ``(N, H, 1)``."""
    lags = torch.arange(2 * REACH + 1, dtype=weights.dtype, device=weights.device)
    taps = 2 * REACH + 1
    energy = torch.stack([(weights[..., : taps - lag] * weights[..., lag:]).sum(-1) for lag in range(taps)], -1)
    energy[..., 1:] *= 2  # both signs of the lag; (N, 1, taps)
    depths = torch.linspace(0, 1, height, dtype=weights.dtype, device=weights.device)[:, None]
    order = torch.arange(1, TERMS + 1, dtype=weights.dtype, device=weights.device)[:, None]
    exponents = -0.5 * order * lags.square()  # of r^(2 k) for a width of 1, (TERMS, taps)
    axial, lateral = (
        (torch.exp(exponents / width.square()[..., None]) * energy[..., None, :]).sum(-1)  # (N, 1 or H, TERMS)
        for width in (spread.axial, spread.lateral_at(depths))
    )
    order = order.squeeze(-1)
    logarithms = order.lgamma() + looks.lgamma() - order.log() - (looks + order).lgamma()
    terms = logarithms.exp()  # (N, 1, TERMS)
    whole = torch.polygamma(1, looks)
    rest = (whole - terms.sum(-1, keepdim=True)) * energy[..., :1].square()
    return (((terms * axial * lateral).sum(-1, keepdim=True) + rest) / whole).sqrt()
