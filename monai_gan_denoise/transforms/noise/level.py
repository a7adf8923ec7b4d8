"""What the laws share: levels that are checked, and normal draws."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

__all__ = ["above_zero", "at_least_zero", "normal", "slice_levels", "within"]


def at_least_zero(level: float | Tensor, name: str, image: Tensor) -> Tensor:
    """Give a level as a tensor of the image's dtype and device.

    Raises:
        ValueError: if it is negative anywhere, or NaN.
    """
    value = torch.as_tensor(level, dtype=image.dtype, device=image.device)
    if not bool((value >= 0).all()):  # so that NaN is refused too
        raise ValueError(f"{name} must be at least 0, got {float(value.min()):g}. Pass 0 for no noise.")
    return value


def above_zero(level: float | Tensor, name: str, image: Tensor, cure: str) -> Tensor:
    """Give a level as a tensor of the image's dtype and device.

    Raises:
        ValueError: if it is not positive everywhere; ``cure`` says what to pass.
    """
    value = torch.as_tensor(level, dtype=image.dtype, device=image.device)
    if not bool((value > 0).all()):  # so that NaN is refused too
        raise ValueError(f"{name} must be positive, got {float(value.min()):g}. {cure}")
    return value


def within(level: float | Tensor, bounds: tuple[float, float], name: str, image: Tensor) -> Tensor:
    """Give a level as a tensor of the image's dtype and device.

    Raises:
        ValueError: if it is outside ``bounds`` anywhere, or NaN.
    """
    value = torch.as_tensor(level, dtype=image.dtype, device=image.device)
    outside = ~((value >= bounds[0]) & (value <= bounds[1]))  # so that NaN is refused too
    if bool(outside.any()):
        low, high = bounds
        raise ValueError(
            f"{name} must be from {low:g} to {high:g}, got {float(value[outside][0]):g}. Pass one of that range."
        )
    return value


def slice_levels(level: Tensor, image: Tensor) -> list[float]:
    """List the level of each slice, in the order of ``image.reshape(-1, H, W)``.

    Args:
        level: one number, or one an image, broadcasting against ``image``.
        image: ``(..., H, W)``.
    """
    levels: list[float] = level.broadcast_to((*image.shape[:-2], 1, 1)).flatten().tolist()
    return levels


def normal(image: Tensor, rng: Generator) -> Tensor:
    """Draw a standard normal number a pixel."""
    return torch.randn(image.shape, generator=rng, dtype=image.dtype, device=image.device)
