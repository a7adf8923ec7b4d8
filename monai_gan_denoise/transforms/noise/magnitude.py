"""Noise of magnitude images, as MR scanners reconstruct them."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero, normal

__all__ = ["add_rician_noise"]


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
