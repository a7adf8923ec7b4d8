"""Pixels that lost their value."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero

__all__ = ["add_impulse_noise"]


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
    share = at_least_zero(fraction, "fraction", image)
    if bool((share > 1).any()):
        raise ValueError(f"fraction must be in [0, 1], got {float(share.max()):g}. Pass a share of the pixels.")
    draw = torch.rand(image.shape, generator=rng, dtype=image.dtype, device=image.device)
    salted = torch.where(draw < share / 2, torch.zeros_like(image), image)
    return torch.where(draw >= 1 - share / 2, torch.ones_like(image), salted)
