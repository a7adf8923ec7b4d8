"""Noise of magnitude images, as MR scanners reconstruct them."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.expectation import magnitude_mean
from monai_gan_denoise.transforms.noise.fields import smooth_map
from monai_gan_denoise.transforms.noise.level import at_least_zero, normal

__all__ = ["add_noncentral_chi_noise", "add_rician_noise", "g_factor_map", "noncentral_chi_mean", "rician_mean"]

G_CELLS = 3  # chosen so that a map has one or two maxima, as between the coils of a receiver array


def add_rician_noise(image: Tensor, std: float | Tensor, rng: Generator) -> Tensor:
    """Take the magnitude of a complex signal with white noise in both parts, ``y = |x + std n1 + i std n2|``.

    Args:
        image: the clean magnitude; not modified.
        std: standard deviation of each part in the image's units, not negative; where it is 0 the image is unchanged.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy magnitude, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.

    Reference: Gudbjartsson & Patz, "The Rician distribution of noisy MRI data", MRM 1995, eq. 1.
    """
    level = at_least_zero(std, "std", image)
    magnitude = torch.hypot(image + level * normal(image, rng), level * normal(image, rng))
    return torch.where(level > 0, magnitude, image)


def rician_mean(image: Tensor, std: float | Tensor, rng: Generator, **_: object) -> Tensor:
    """Return the mean of ``add_rician_noise``, and of any law whose complex noise is as strong in both parts.

    Args:
        image: the clean magnitude; not modified.
        std: as ``add_rician_noise`` takes it.
        rng: not used; the mean depends on no draw.
        **_: parameters that shape the spectrum of the noise; a pixel's mean does not depend on them.

    Returns:
        The means, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.
    """
    return magnitude_mean(image, std)


def add_noncentral_chi_noise(
    image: Tensor, std: float | Tensor, rng: Generator, coils: int = 4, g_peak: float = 1.0
) -> Tensor:
    """Combine coils by the root of their sum of squares, ``y^2 = (x + g std n_1)^2 + (g std)^2 sum_2^2L n_i^2``.

    ``x`` is the combined clean magnitude: rotating the complex signals of the L coils puts it into one of their 2L
    parts and leaves white noise white. ``E[y^2] = x^2 + 2 L std^2`` where ``g`` is 1.

    Args:
        image: the clean magnitude, ``(..., H, W)``; not modified.
        std: standard deviation of each part of each coil in the image's units, not negative; where it is 0 the image
            is unchanged.
        rng: source of randomness, on the device of ``image``.
        coils: number of coils L, at least 1; 1 gives Rician noise.
        g_peak: largest factor by which parallel imaging amplifies the noise, at least 1; 1 for none. The factor ``g``
            is a smooth random map between 1 and this.

    Returns:
        The noisy magnitude, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative, ``coils`` not a whole number of at least 1, or ``g_peak`` below 1.

    Reference: Constantinides et al., "Signal-to-noise measurements in magnitude images from NMR phased arrays", MRM
        1997; Pruessmann et al., "SENSE: sensitivity encoding for fast MRI", MRM 1999, eq. 23 (g-factor).
    """
    if coils < 1 or coils != int(coils):
        raise ValueError(f"coils must be a whole number of at least 1, got {coils:g}. Pass 1 for Rician noise.")
    level = at_least_zero(std, "std", image)
    amplified = _amplified(level, image, g_peak, rng)  # the first draw: the mean finds the same map
    part = normal(image, rng)
    square = (image + amplified * part).square_()
    others = torch.zeros_like(part)
    for _ in range(2 * int(coils) - 1):
        part.normal_(generator=rng)
        others.addcmul_(part, part)
    magnitude = square.add_(others.mul_(amplified).mul_(amplified)).sqrt_()
    return torch.where(level > 0, magnitude, image)


def noncentral_chi_mean(
    image: Tensor, std: float | Tensor, rng: Generator, coils: int = 4, g_peak: float = 1.0
) -> Tensor:
    """Return the mean of ``add_noncentral_chi_noise`` given its map of g-factors.

    Args:
        image: the clean magnitude, ``(..., H, W)``; not modified.
        std: as ``add_noncentral_chi_noise`` takes it.
        rng: in the state in which the noise was drawn, for the same map.
        coils: number of coils.
        g_peak: largest g-factor.

    Returns:
        The means, same shape, dtype and device.

    Raises:
        ValueError: as ``add_noncentral_chi_noise``.
    """
    level = at_least_zero(std, "std", image)
    return magnitude_mean(image, _amplified(level, image, g_peak, rng), coils)


def _amplified(level: Tensor, image: Tensor, g_peak: float, rng: Generator) -> Tensor:
    return level if g_peak == 1 else level * g_factor_map(image, g_peak, rng)


def g_factor_map(image: Tensor, peak: float, rng: Generator) -> Tensor:
    """Draw a smooth map a slice that runs from 1 to ``peak``, as the g-factor of parallel imaging does.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        peak: largest value, at least 1.
        rng: source of randomness, on the device of ``image``.

    Raises:
        ValueError: if ``peak`` is below 1.
    """
    if not peak >= 1:
        raise ValueError(f"g_peak must be at least 1, got {peak:g}. Pass 1 for no parallel imaging.")
    smooth = smooth_map(image, G_CELLS, rng)
    low, high = smooth.amin((-2, -1), keepdim=True), smooth.amax((-2, -1), keepdim=True)
    return 1 + (peak - 1) * (smooth - low) / (high - low)
