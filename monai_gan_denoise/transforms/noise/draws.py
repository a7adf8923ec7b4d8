"""Settings of a law that are drawn anew for every image: plain random numbers, one a slice."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

__all__ = ["chance", "log_uniform", "uniform"]


def uniform(image: Tensor, low: float, high: float, rng: Generator) -> Tensor:
    """Draw a number a slice, uniform from ``low`` to ``high``.

    Args:
        image: ``(..., H, W)``, N slices; only its shape, dtype and device count.
        low: lowest number.
        high: highest number.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The numbers, ``(N, 1, 1)``, in the order of ``image.reshape(-1, H, W)``.
    """
    slices = math.prod(image.shape[:-2])
    draws = torch.rand((slices, 1, 1), generator=rng, dtype=image.dtype, device=image.device)
    return draws.mul_(high - low).add_(low)


def log_uniform(image: Tensor, low: float, high: float, rng: Generator) -> Tensor:
    """Draw a positive number a slice, its logarithm uniform; arguments and shape as of ``uniform``."""
    return uniform(image, math.log(low), math.log(high), rng).exp_()


def chance(image: Tensor, share: float, rng: Generator) -> Tensor:
    """Choose a share of the slices at random: true or false, ``(N, 1, 1)``; arguments as of ``uniform``."""
    return uniform(image, 0.0, 1.0, rng) < share
