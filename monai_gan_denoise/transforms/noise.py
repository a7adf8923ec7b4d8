"""Noise laws: pure functions, one per physical law.

Images are ``(B, C, *spatial)`` or any other shape, in network units (0 is the range's lower end, 1 its upper). A level
is a number, or a tensor that broadcasts against the image, such as ``(B, 1, 1, 1)`` for one level an image.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

__all__ = [
    "add_gaussian_noise",
    "add_impulse_noise",
    "add_poisson_noise",
    "add_rician_noise",
    "add_speckle_noise",
]


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
    return image + _at_least_zero(std, "std", image) * _normal(image, rng)


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
    return image + image * _at_least_zero(std, "std", image) * _normal(image, rng)


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
    scale = torch.as_tensor(counts, dtype=image.dtype, device=image.device)
    if not bool((scale > 0).all()):  # so that NaN is refused too
        raise ValueError(f"counts must be positive, got {float(scale.min()):g}. Pass the photons expected at white.")
    return torch.poisson(image.clamp(min=0) * scale, generator=rng) / scale + image.clamp(max=0)


def add_impulse_noise(image: Tensor, fraction: float | Tensor, rng: Generator) -> Tensor:
    """Replace a fraction of the pixels by 0 or 1, each as often (pepper and salt).

    Args:
        image: the clean image; not modified.
        fraction: expected fraction of pixels replaced, in ``[0, 1]``.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``fraction`` is outside ``[0, 1]``.
    """
    share = _at_least_zero(fraction, "fraction", image)
    if bool((share > 1).any()):
        raise ValueError(f"fraction must be in [0, 1], got {float(share.max()):g}. Pass a share of the pixels.")
    draw = torch.rand(image.shape, generator=rng, dtype=image.dtype, device=image.device)
    salted = torch.where(draw < share / 2, torch.zeros_like(image), image)
    return torch.where(draw >= 1 - share / 2, torch.ones_like(image), salted)


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
    level = _at_least_zero(std, "std", image)
    magnitude = torch.hypot(image + level * _normal(image, rng), level * _normal(image, rng))
    return torch.where(level > 0, magnitude, image)


def _normal(image: Tensor, rng: Generator) -> Tensor:
    return torch.randn(image.shape, generator=rng, dtype=image.dtype, device=image.device)


def _at_least_zero(level: float | Tensor, name: str, image: Tensor) -> Tensor:
    value = torch.as_tensor(level, dtype=image.dtype, device=image.device)
    if not bool((value >= 0).all()):  # so that NaN is refused too
        raise ValueError(f"{name} must be at least 0, got {float(value.min()):g}. Pass 0 for no noise.")
    return value
