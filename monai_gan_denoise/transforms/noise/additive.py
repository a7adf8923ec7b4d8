"""Noise that is added, whatever the signal."""

from __future__ import annotations

from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero, normal

__all__ = ["add_gaussian_noise"]


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
