"""Noise of counted photons: its variance grows with the signal."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import above_zero, at_least_zero, normal

__all__ = ["add_poisson_gaussian_noise", "add_poisson_noise"]


def add_poisson_noise(image: Tensor, counts: float | Tensor, rng: Generator) -> Tensor:
    """Count photons, ``y = Poisson(counts x) / counts``; what lies below zero emits none and is left as it is.

    Args:
        image: the clean image; not modified.
        counts: photons expected where the image is 1, positive.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``counts`` is not positive.

    Reference: Makitalo & Foi, "Optimal inversion of the generalized Anscombe transformation", IEEE TIP 2013, eq. 1.
    """
    scale = above_zero(counts, "counts", image, "Pass the photons expected at white.")
    return torch.poisson(image.clamp(min=0) * scale, generator=rng) / scale + image.clamp(max=0)


def add_poisson_gaussian_noise(
    image: Tensor, gain: float | Tensor, std: float | Tensor, rng: Generator, offset: float = 0.0
) -> Tensor:
    """Count photons and read them out, ``y = gain Poisson((x - offset) / gain) + offset + std n``.

    The mean is ``x`` and the variance ``gain (x - offset) + std^2``, linear in the signal. What lies below the offset
    emits no photons and is only read out.

    Args:
        image: the clean image; not modified.
        gain: what one photon adds, in the image's units, positive.
        std: standard deviation of the read-out noise in the image's units, not negative.
        rng: source of randomness, on the device of ``image``.
        offset: what the detector shows without light, in the image's units.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``gain`` is not positive or ``std`` is negative.

    Reference: Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE
        TIP 2008.
    """
    step = above_zero(gain, "gain", image, "Pass what one photon adds to the image.")
    readout = at_least_zero(std, "std", image) * normal(image, rng)
    return add_poisson_noise(image - offset, 1 / step, rng) + (offset + readout)
