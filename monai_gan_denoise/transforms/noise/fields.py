"""Random fields that vary in space: smooth maps, and normal noise correlated by a point-spread function."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

__all__ = ["correlated_normal", "smooth_map"]

REACH = 4  # standard deviations after which the point-spread function is cut off; 3e-4 of its peak is left there


def smooth_map(image: Tensor, cells: int, rng: Generator) -> Tensor:
    """Draw a smooth random map a slice: normal numbers on a coarse grid, joined by bicubic interpolation.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        cells: points of the grid along each axis, at least 2: the more, the faster the map varies.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The maps, of the shape of ``image``; about 0, of standard deviation about 1 at most.

    Raises:
        ValueError: if ``cells`` is below 2.
    """
    if cells < 2:
        raise ValueError(f"cells must be at least 2, got {cells}. Pass the points along an axis, such as 4.")
    slices = math.prod(image.shape[:-2])
    grid = torch.randn((1, slices, cells, cells), generator=rng, dtype=image.dtype, device=image.device)
    smooth = F.interpolate(grid, size=image.shape[-2:], mode="bicubic", align_corners=True)
    return smooth.reshape(image.shape)


def correlated_normal(image: Tensor, widths: tuple[float, float], rng: Generator) -> Tensor:
    """Draw standard normal noise filtered by a Gaussian point-spread function, the same statistics up to the border.

    The autocorrelation of the noise is a Gaussian too, wider by the root of 2; that of its square is as wide as
    the point-spread function.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        widths: standard deviations of the point-spread function along rows' index and columns' index, in pixels, not
            negative; 0 for none.
        rng: source of randomness, on the device of ``image``.

    Returns:
        Noise of the shape of ``image``, mean 0, variance 1.

    Raises:
        ValueError: if a width is negative.
    """
    if min(widths) < 0:
        raise ValueError(f"width must be at least 0, got {min(widths):g}. Pass 0 for white noise.")
    rows, columns = (_point_spread(width) for width in widths)
    size = (*image.shape[:-2], image.shape[-2] + len(rows) - 1, image.shape[-1] + len(columns) - 1)
    field = torch.randn(size, generator=rng, dtype=image.dtype, device=image.device)
    return _filter(_filter(field, rows, -2), columns, -1)


def _point_spread(width: float) -> list[float]:
    """Sample a Gaussian of unit energy, so that filtering keeps the variance of white noise."""
    if width == 0:
        return [1.0]
    reach = math.ceil(REACH * width)
    values = [math.exp(-0.5 * (offset / width) ** 2) for offset in range(-reach, reach + 1)]
    norm = math.hypot(*values)
    return [value / norm for value in values]


def _filter(field: Tensor, kernel: list[float], axis: int) -> Tensor:
    """Convolve along an axis where the kernel fits: shifted sums.

    On a CPU these take a tenth of the time of torch's convolutions, which are made for many channels.
    """
    length = field.shape[axis] - len(kernel) + 1
    filtered = kernel[0] * field.narrow(axis, 0, length)
    for start, weight in enumerate(kernel[1:], start=1):
        filtered.add_(field.narrow(axis, start, length), alpha=weight)
    return filtered
