"""Speckle: the interference of echoes from structure finer than the resolution."""

from __future__ import annotations

from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero, normal

__all__ = ["add_speckle_noise"]


def add_speckle_noise(image: Tensor, std: float | Tensor, rng: Generator) -> Tensor:
    """Add white multiplicative noise, ``y = x (1 + std n)``, the literature's stand-in for speckle.

    Args:
        image: the clean image; not modified.
        std: standard deviation relative to the signal, not negative.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.

    Reference: van der Walt et al., "scikit-image", PeerJ 2014, ``skimage.util.random_noise(mode="speckle")``.
    """
    return image + image * at_least_zero(std, "std", image) * normal(image, rng)
