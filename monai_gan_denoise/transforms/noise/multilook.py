"""Speckle of averaged looks, compressed and smoothed for a display."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.draws import chance, uniform
from monai_gan_denoise.transforms.noise.level import at_least_zero
from monai_gan_denoise.transforms.noise.looks import SUMMED, PointSpread, average_looks, check_width, drawn_width
from monai_gan_denoise.transforms.noise.smoothing import REACH, smooth_log_speckle

__all__ = ["AVERAGES", "DEFAULT_LOOKS", "RandomLooks", "add_multilook_speckle"]

AVERAGES = ("intensity", "amplitude")
RANDOM = "random"
MOST_LOOKS = 16
AXIAL = (0.5, 1.5)  # pixels, standard deviations of point-spread functions that are drawn
LATERAL = (0.6, 2.5)
# The logarithm of the squared mean of 1 to 4 independent Rayleigh amplitudes of mean square 1: its mean and standard
# deviation, from their density, convolved numerically.
AMPLITUDE_LOG_MEAN = (-0.577216, -0.392714, -0.338882, -0.313318)
AMPLITUDE_LOG_STD = (1.282550, 0.814745, 0.642835, 0.547599)


@dataclass(frozen=True)
class RandomLooks:
    """What compressed speckle is drawn from.

    Attributes:
        looks: independent looks that are averaged, from 1 to 16; 0 for a whole number at random, one image another.
        average: "intensity", "amplitude", or "random" for either.
        axial: standard deviation of the point-spread function along rows' index, depth, in pixels; 0 for 0.5 to 1.5 at
            random.
        lateral: the same along columns' index, in the first row; 0 for 0.6 to 2.5 at random.
        widening: largest factor by which the last row's lateral width exceeds the first one's, at least 1; drawn
            uniformly from 1.
        smoothing: largest standard deviation of the display's Gaussian filter, in pixels, from 0 to 1; drawn uniformly
            from 0.

    Raises:
        ValueError: if a number is out of range or ``average`` unknown.
    """

    looks: int = 0
    average: str = RANDOM
    axial: float = 0.0
    lateral: float = 0.0
    widening: float = 2.5
    smoothing: float = 0.7

    def __post_init__(self) -> None:
        """Refuse what no speckle can be drawn from."""
        if self.looks not in range(MOST_LOOKS + 1):
            raise ValueError(
                f"looks must be a whole number from 1 to {MOST_LOOKS}, or 0, got {self.looks:g}. Pass 0 to draw it."
            )
        if self.average not in (*AVERAGES, RANDOM):
            known = ", ".join((*AVERAGES, RANDOM))
            raise ValueError(f"average must be one of {known}, got {self.average!r}. Choose one.")
        check_width("axial", self.axial)
        check_width("lateral", self.lateral)
        if not self.widening >= 1:
            raise ValueError(f"widening must be at least 1, got {self.widening:g}. Pass 1 for none.")
        if not 0 <= self.smoothing <= 1:
            raise ValueError(f"smoothing must be from 0 to 1 pixel, got {self.smoothing:g}. Pass 0 for none.")


DEFAULT_LOOKS = RandomLooks()


def add_multilook_speckle(
    image: Tensor,
    std: float | Tensor,
    rng: Generator,
    settings: RandomLooks = DEFAULT_LOOKS,
) -> Tensor:
    """Multiply the echo by speckle averaged over looks, compress and smooth it: ``y = x + std S(log G) / k``.

    ``log G`` is centered by its analytic mean, so the clean image is the mean of the noisy ones. ``S`` is the display's
    filter and ``k`` the analytic deviation of what it leaves, so that the level is the deviation at every depth. As in
    ``add_ultrasound_speckle`` the image is a log-compressed one, the level stands for its dynamic range, and what is at
    or below 0 is left as it is.

    Args:
        image: the clean log-compressed image, ``(..., H, W)``, rows along depth; not modified.
        std: standard deviation in the image's units, not negative.
        rng: source of randomness, on the device of ``image``; every slice draws its own settings.
        settings: what looks, point-spread function and filter are drawn from.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> add_multilook_speckle(torch.ones(1, 1, 96, 96), 0.1, rng, RandomLooks(looks=4)).shape
        torch.Size([1, 1, 96, 96])

    Reference: Goodman, "Speckle phenomena in optics", 2007, chapter 4.6; Wagner et al., "Statistics of speckle in
        ultrasound B-scans", IEEE Trans. Sonics Ultrason. 1983; Trahey et al., "Speckle pattern correlation with lateral
        aperture translation", IEEE TUFFC 1986 (compounding).
    """
    level = at_least_zero(std, "std", image)
    looks = uniform(image, 0.0, math.log(MOST_LOOKS + 1), rng).exp_().floor_().clamp_(1, MOST_LOOKS)
    if settings.looks:
        looks.fill_(settings.looks)
    amplitude = chance(image, {"intensity": 0.0, "amplitude": 1.0}.get(settings.average, 0.5), rng)
    spread = PointSpread(
        drawn_width(image, settings.axial, AXIAL, rng),
        drawn_width(image, settings.lateral, LATERAL, rng),
        uniform(image, 1.0, settings.widening, rng),
    )
    filters = uniform(image, 0.0, settings.smoothing, rng)
    margin = 2 * REACH if settings.smoothing else 0
    height, width = image.shape[-2:]
    speckle = average_looks((height + margin, width + margin), looks, spread, rng, amplitude)
    mean, deviation = _log_moments(looks, amplitude)
    standard = speckle.clamp_(min=torch.finfo(image.dtype).tiny).log_().sub_(mean).div_(deviation)
    if settings.smoothing:
        standard = smooth_log_speckle(standard, filters, looks, spread)
    return torch.where(image > 0, image + level * standard.reshape(image.shape), image)


def _log_moments(looks: Tensor, amplitude: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the mean and the standard deviation of the logarithm of what ``average_looks`` draws."""
    index = looks.clamp(max=SUMMED).long() - 1
    mean, deviation = (looks.new_tensor(table)[index] for table in (AMPLITUDE_LOG_MEAN, AMPLITUDE_LOG_STD))
    rooted = amplitude & (looks <= SUMMED)
    gamma_mean = torch.digamma(looks) - looks.log()
    gamma_deviation = torch.polygamma(1, looks).sqrt()
    return torch.where(rooted, mean, gamma_mean), torch.where(rooted, deviation, gamma_deviation)
