"""Several laws, one after the other, as a signal meets them on its way to an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.additive import add_gaussian_noise
from monai_gan_denoise.transforms.noise.impulses import add_impulse_noise
from monai_gan_denoise.transforms.noise.level import within
from monai_gan_denoise.transforms.noise.photons import add_poisson_noise

__all__ = ["add_detector_mixture", "add_in_sequence"]

Draw = Callable[[Tensor, float | Tensor, Generator], Tensor]

WEAKEST = 1e-3  # level below which photons are not fewer: a million at white, noise of 0.1 % that nobody sees


def add_in_sequence(image: Tensor, steps: Sequence[tuple[Draw, float | Tensor]], rng: Generator) -> Tensor:
    """Pass an image through several laws in order.

    Args:
        image: the clean image; not modified.
        steps: pairs of a law, ``law(image, level, rng)``, and its level. A law of the table ``LAWS`` serves by its
            ``draw``, with ``functools.partial`` for its parameters.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device; the image itself if there are no steps.
    """
    for law, level in steps:
        image = law(image, level, rng)
    return image


def add_detector_mixture(image: Tensor, level: float | Tensor, rng: Generator) -> Tensor:
    """Count photons, read them out, lose pixels: Poisson, then Gaussian, then impulse noise.

    Of a level ``s``: ``1 / s^2`` photons at white (a standard deviation of ``s`` there), a read-out noise of ``s / 2``,
    and a share of ``s / 10`` of the pixels replaced by black or white.

    Args:
        image: the clean image in network units; what lies below 0 emits no photons; not modified.
        level: from 0 to 1; where it is 0 the image is unchanged.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``level`` is outside 0 to 1.
    """
    value = within(level, (0.0, 1.0), "level", image)
    counts = value.clamp(min=WEAKEST) ** -2
    steps = ((add_poisson_noise, counts), (add_gaussian_noise, value / 2), (add_impulse_noise, value / 10))
    return torch.where(value > 0, add_in_sequence(image, steps, rng), image)
