"""Noise that is added, whatever the signal."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.fields import smooth_map
from monai_gan_denoise.transforms.noise.level import at_least_zero, normal

__all__ = ["add_gaussian_noise", "add_varying_gaussian_noise", "noise_level_map"]


def add_gaussian_noise(image: Tensor, std: float | Tensor, rng: Generator) -> Tensor:
    """Add white Gaussian noise, ``y = x + std n``.

    Args:
        image: the clean image; not modified.
        std: standard deviation in the image's units, not negative.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.
    """
    return image + at_least_zero(std, "std", image) * normal(image, rng)


def add_varying_gaussian_noise(
    image: Tensor, std: float | Tensor, rng: Generator, spread: float = 0.3, cells: int = 4
) -> Tensor:
    """Add Gaussian noise whose level varies smoothly in space, ``y = x + std m(r) n``.

    Args:
        image: the clean image, ``(..., H, W)``; not modified.
        std: standard deviation over a whole slice, in the image's units, not negative.
        rng: source of randomness, on the device of ``image``.
        spread: how much the level varies, see ``noise_level_map``.
        cells: how fast it varies, see ``noise_level_map``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` or ``spread`` is negative or ``cells`` below 2.

    Reference: Zhang et al., "FFDNet: toward a fast and flexible solution for CNN-based image denoising", IEEE TIP
        2018 (spatially variant noise by a level map).
    """
    level = at_least_zero(std, "std", image)
    return image + level * noise_level_map(image, rng, spread, cells).mul_(normal(image, rng))


def noise_level_map(image: Tensor, rng: Generator, spread: float, cells: int) -> Tensor:
    """Draw a smooth positive map a slice, ``m(r)``, whose mean square over the slice is 1.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        rng: source of randomness, on the device of ``image``.
        spread: standard deviation of ``log m`` at the points of a coarse grid, not negative; 0 for a constant level.
        cells: points of the grid along each axis, at least 2.

    Returns:
        The maps, of the shape of ``image``.

    Raises:
        ValueError: if ``spread`` is negative or ``cells`` below 2.
    """
    level = torch.exp(at_least_zero(spread, "spread", image) * smooth_map(image, cells, rng))
    return level / level.square().mean((-2, -1), keepdim=True).sqrt()
