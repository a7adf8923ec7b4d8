"""Noise of counted photons: its variance grows with the signal."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

__all__ = ["add_poisson_noise"]


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
