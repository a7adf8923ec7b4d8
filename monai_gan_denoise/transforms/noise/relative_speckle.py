"""Multiplicative speckle of averaged looks, in linear units."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import within
from monai_gan_denoise.transforms.noise.looks import PointSpread, average_looks, check_width, drawn_width

__all__ = ["add_relative_speckle"]

WIDTHS = (0.3, 2.0)  # pixels, standard deviations that are drawn; 0.3 is nearly white
WEAKEST = 1e-3  # relative deviation below which the shape of the law no longer changes


def add_relative_speckle(
    image: Tensor, std: float | Tensor, rng: Generator, axial: float = 0.0, lateral: float = 0.0
) -> Tensor:
    """Multiply by correlated speckle averaged over looks, ``y = x G``, ``G`` of mean 1 and deviation ``1 / sqrt(L)``.

    The level is that deviation, so the looks are ``L = 1 / std^2``, not necessarily whole; ``G`` is gamma where they
    are whole or more than 4.

    Args:
        image: the clean image in linear units, ``(..., H, W)``; not modified.
        std: standard deviation relative to the signal, from 0 (unchanged) to 1 (a single look).
        rng: source of randomness, on the device of ``image``; every slice draws its own widths.
        axial: standard deviation of the point-spread function along rows' index, in pixels; 0 for 0.3 to 2 at random.
        lateral: the same along columns' index.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is outside 0 to 1 or a width negative.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> add_relative_speckle(torch.ones(1, 1, 96, 96), 0.25, rng).shape
        torch.Size([1, 1, 96, 96])

    Reference: Goodman, "Speckle phenomena in optics", 2007, chapters 3.3 and 4.6.
    """
    level = within(std, (0.0, 1.0), "std", image)
    check_width("axial", axial)
    check_width("lateral", lateral)
    deviation = level.clamp(min=WEAKEST).broadcast_to((*image.shape[:-2], 1, 1)).reshape(-1, 1, 1)
    rows, columns = (drawn_width(image, width, WIDTHS, rng) for width in (axial, lateral))
    spread = PointSpread(rows, columns, torch.ones_like(deviation))
    height, width = image.shape[-2:]
    speckle = average_looks((height, width), deviation.square().reciprocal(), spread, rng)
    standard = speckle.sub_(1).div_(deviation).reshape(image.shape)
    return image + image * level * standard
