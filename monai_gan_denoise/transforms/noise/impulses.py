"""Pixels that lost their value."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero

__all__ = ["add_impulse_noise", "add_random_impulse_noise"]


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

    Reference: Chan et al., "Salt-and-pepper noise removal by median-type noise detectors and detail-preserving
        regularization", IEEE TIP 2005.
    """
    share = _share(fraction, image)
    draw = torch.rand(image.shape, generator=rng, dtype=image.dtype, device=image.device)
    salted = torch.where(draw < share / 2, torch.zeros_like(image), image)
    return torch.where(draw >= 1 - share / 2, torch.ones_like(image), salted)


def add_random_impulse_noise(image: Tensor, fraction: float | Tensor, rng: Generator) -> Tensor:
    """Replace a fraction of the pixels by values uniform in ``[0, 1)``.

    Args:
        image: the clean image; not modified.
        fraction: expected fraction of pixels replaced, in ``[0, 1]``.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``fraction`` is outside ``[0, 1]``.

    Reference: Garnett et al., "A universal noise removal algorithm with an impulse detector", IEEE TIP 2005.
    """
    share = _share(fraction, image)
    draw = torch.rand(image.shape, generator=rng, dtype=image.dtype, device=image.device)
    # Among the draws below the share, draw / share is uniform again: one draw chooses the pixel and gives its value.
    return torch.where(draw < share, draw / share, image)


def _share(fraction: float | Tensor, image: Tensor) -> Tensor:
    share = at_least_zero(fraction, "fraction", image)
    if bool((share > 1).any()):
        raise ValueError(f"fraction must be in [0, 1], got {float(share.max()):g}. Pass a share of the pixels.")
    return share
