"""The mean of a noisy magnitude, which is above the magnitude without noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero

__all__ = ["look_up", "magnitude_mean", "mean_table", "noise_floor"]

POINTS = 1024  # of the table; linear interpolation is off by 4e-6 of the mean at most
REACH = 6.0  # signal-to-noise ratio, per root of the coils, up to which the table goes; the asymptote is better beyond
ASYMPTOTE = 3  # terms of the asymptotic series after the first; the next one is below 4e-7 where the table ends


def magnitude_mean(signal: Tensor, std: float | Tensor, coils: int = 1) -> Tensor:
    """Return the expectation of a noisy magnitude, ``s sqrt(2) Gamma(L+1/2)/Gamma(L) 1F1(-1/2; L; -A^2/(2 s^2))``.

    With one coil that is the mean of Rice's law, ``s sqrt(pi/2) [(1+x) I0e(x/2) + x I1e(x/2)]``, ``x = A^2/(2 s^2)``:
    ``1.25 s`` in air, and about ``A + s^2/(2A)`` where the signal is strong.

    Args:
        signal: the magnitude without noise A, of any shape; its sign does not count.
        std: standard deviation s of the noise in each part of each coil, not negative; broadcasts against ``signal``.
        coils: number of coils L whose squares are summed, at least 1.

    Returns:
        The means, of the shape, dtype and device of ``signal``; ``signal`` itself where ``std`` is 0.

    Raises:
        ValueError: if ``std`` is negative or ``coils`` not a whole number of at least 1.

    Example:
        >>> magnitude_mean(torch.tensor([0.0, 0.5]), 0.1)
        tensor([0.1253, 0.5102])

    Reference: Koay & Basser, "Analytically exact correction scheme for signal extraction from noisy magnitude MR
        signals", JMR 2006, eqs. 3 and 14.
    """
    _check(coils)
    level = at_least_zero(std, "std", signal)
    ratio = signal.abs() / torch.where(level > 0, level, 1)
    reach, means = mean_table(int(coils))
    near = look_up(means, (ratio * ((POINTS - 1) / reach)).clamp(max=POINTS - 1))
    return torch.where(level > 0, level * torch.where(ratio < reach, near, _asymptote(ratio, int(coils))), signal)


def look_up(values: Sequence[float], place: Tensor) -> Tensor:
    """Interpolate a table linearly at places from 0 to its last index; of the shape, dtype and device of ``place``."""
    table = torch.tensor(values, dtype=place.dtype, device=place.device)
    left = place.long().clamp_(max=len(values) - 2)
    return torch.lerp(table[left], table[left + 1], place - left)


def noise_floor(coils: int) -> float:
    """Return the mean of noise alone, in noise levels, ``sqrt(2) Gamma(L+1/2) / Gamma(L)``: 1.25 for one coil.

    Args:
        coils: number of coils.

    Raises:
        ValueError: if ``coils`` is not a whole number of at least 1.
    """
    _check(coils)
    return math.sqrt(2) * math.exp(math.lgamma(coils + 0.5) - math.lgamma(coils))


@cache
def mean_table(coils: int) -> tuple[float, tuple[float, ...]]:
    """Compute means of magnitudes, in noise levels, at signals from 0 to an end, equally far apart.

    A noncentral chi variable is a chi variable whose degrees of freedom are raised by twice a Poisson number of mean
    ``x = A^2/(2 s^2)``: this series, Kummer's transform of 1F1, has positive terms only and loses no digits.

    Args:
        coils: number of coils, at least 1.

    Returns:
        The last signal in noise levels, and the means.
    """
    reach = REACH * math.sqrt(coils)
    half_square = torch.linspace(0, reach, POINTS, dtype=torch.float64).square_().div_(2)
    count = torch.arange(round(float(half_square[-1]) + 12 * reach + 20), dtype=torch.float64)  # 17 deviations beyond
    mean_of_chi = math.sqrt(2) * torch.exp(torch.lgamma(count + coils + 0.5) - torch.lgamma(count + coils))
    log_weight = torch.xlogy(count, half_square[:, None]) - half_square[:, None] - torch.lgamma(count + 1)
    return reach, tuple((log_weight.exp_() @ mean_of_chi).tolist())


def _check(coils: float) -> None:
    if coils < 1 or coils != int(coils):
        raise ValueError(f"coils must be a whole number of at least 1, got {coils:g}. Pass 1 for Rician noise.")


def _asymptote(ratio: Tensor, coils: int) -> Tensor:
    """Sum ``t (1 + (2L-1)/(2 t^2) - (2L-1)(2L-3)/(8 t^4) + ...)``, Abramowitz & Stegun 13.5.1, in noise levels."""
    inverse = 2 / ratio.square().clamp(min=1)  # 1/x; ratios below 1 are the table's
    term, total = torch.ones_like(ratio), torch.ones_like(ratio)
    for n in range(ASYMPTOTE):
        term = term * inverse * ((n - 0.5) * (n + 0.5 - coils) / (n + 1))
        total = total + term
    return ratio * total
