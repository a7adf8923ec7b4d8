"""What the laws share: levels that are checked, and normal draws."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

__all__ = ["at_least_zero", "normal"]


def at_least_zero(level: float | Tensor, name: str, image: Tensor) -> Tensor:
    """Give a level as a tensor of the image's dtype and device.

    Raises:
        ValueError: if it is negative anywhere, or NaN.
    """
    value = torch.as_tensor(level, dtype=image.dtype, device=image.device)
    if not bool((value >= 0).all()):  # so that NaN is refused too
        raise ValueError(f"{name} must be at least 0, got {float(value.min()):g}. Pass 0 for no noise.")
    return value


def normal(image: Tensor, rng: Generator) -> Tensor:
    """Draw a standard normal number a pixel."""
    return torch.randn(image.shape, generator=rng, dtype=image.dtype, device=image.device)
