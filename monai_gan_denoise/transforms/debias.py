"""From the mean of a noisy magnitude back to the magnitude without noise, pixel by pixel."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from monai_gan_denoise.transforms.noise.expectation import look_up, mean_table, noise_floor
from monai_gan_denoise.transforms.noise.level import at_least_zero

__all__ = ["remove_magnitude_bias"]


def remove_magnitude_bias(mean_image: Tensor, level: float | Tensor, coils: int = 1) -> Tensor:
    """Find the magnitude A whose noisy magnitudes have a given mean: solve ``magnitude_mean(A, level, coils) = mean``.

    Where the mean is not above that of noise alone (``1.25 level`` for one coil) the magnitude is 0, so nothing becomes
    negative, and nothing changes by more than that. Far above it, about ``(2 coils - 1) level^2 / (2 mean)`` is taken
    away.

    Args:
        mean_image: means of the noisy magnitude, such as a denoiser's output, of any shape; not modified.
        level: standard deviation of the noise in each part of each coil, in the same unit, not negative; broadcasts
            against ``mean_image``. Where it is 0 nothing changes, except that values below 0 become 0.
        coils: number of coils whose squares are summed, at least 1.

    Returns:
        The magnitudes, same shape, dtype and device; they grow with the mean.

    Raises:
        ValueError: if ``level`` is negative or ``coils`` not a whole number of at least 1.

    Example:
        >>> remove_magnitude_bias(torch.tensor([0.1253, 0.5102]), 0.1)
        tensor([0.0000, 0.5000])

    Reference: Koay & Basser, "Analytically exact correction scheme for signal extraction from noisy magnitude MR
        signals", JMR 2006; Koay, Ozarslan & Basser, "A signal transformational framework for breaking the noise floor
        and its applications in MRI", JMR 2009 (several coils).
    """
    positive = mean_image.clamp(min=0)
    noise = at_least_zero(level, "level", mean_image)
    floor, end, signals = _inverse_table(coils)
    ratio = positive / torch.where(noise > 0, noise, 1)
    # The signal grows as the root of what the mean is above the floor; in this unit it is almost a straight line.
    excess = ((ratio - floor) * (ratio + floor)).clamp_(min=0)
    place = (excess.sqrt() * ((len(signals) - 1) / end)).clamp_(max=len(signals) - 1)
    near = look_up(signals, place)
    # mean^2 = A^2 + (2L-1) + (2L-1)/(2 A^2) + ..., in noise levels, from the asymptote of the mean.
    square = (ratio.square() - (2 * coils - 1)).clamp_(min=1)
    far = (square - (2 * coils - 1) / (2 * square)).sqrt_()
    return torch.where(noise > 0, noise * torch.where(place < len(signals) - 1, near, far), positive)


@cache
def _inverse_table(coils: int) -> tuple[float, float, tuple[float, ...]]:
    """Tabulate signals over the root of ``mean^2 - floor^2``, equally far apart, all in noise levels."""
    floor = noise_floor(coils)
    reach, means = mean_table(int(coils))
    excess = np.sqrt(np.maximum(np.square(means) - floor**2, 0))
    steps = np.linspace(0, excess[-1], len(means))
    signals = np.interp(steps, excess, np.linspace(0, reach, len(means)))
    return floor, float(excess[-1]), tuple(signals.tolist())
