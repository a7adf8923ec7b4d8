"""A canvas that shapes are laid on, one over the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from monai_gan_denoise.transforms.leaves.fields import Image
from monai_gan_denoise.transforms.leaves.shapes import Shape

__all__ = ["Canvas", "Paint", "cover_of"]


@dataclass(frozen=True)
class Paint:
    """What a leaf shows.

    Attributes:
        value: at its center.
        slope: change a pixel, along rows and columns.
        texture: added to it, of the size of the canvas.
    """

    value: float
    slope: tuple[float, float] = (0.0, 0.0)
    texture: Image | None = None


class Canvas:
    """An image of leaves, ``(H, W)`` in float32.

    Args:
        size: rows and columns.
        value: what shows where no leaf lies.
    """

    def __init__(self, size: tuple[int, int], value: float = 0.0) -> None:
        self.size = size
        self.image: Image = np.full(size, value, dtype=np.float32)

    def lay(self, shape: Shape, paint: Paint | float, edge: float = 1.0) -> None:
        """Lay a leaf over what lies there; its border rises over ``edge`` pixels."""
        found = _patch(self.size, shape, edge)
        if found is None:
            return
        box, y, x, cover = found
        shown: Image | np.float32
        if isinstance(paint, Paint):
            shown = paint.value + paint.slope[0] * y + paint.slope[1] * x
            if paint.texture is not None:
                shown = shown + paint.texture[box]
        else:
            shown = np.float32(paint)
        self.image[box] = self.image[box] * (1 - cover) + shown * cover

    def add(self, shape: Shape, value: float, edge: float = 1.0) -> None:
        """Add a value where a shape lies."""
        found = _patch(self.size, shape, edge)
        if found is not None:
            self.image[found[0]] += np.float32(value) * found[3]

    def blend(self, cover: Image, shown: Image | float) -> None:
        """Lay an image over this one, as far as ``cover`` says, from 0 to 1."""
        self.image = np.asarray(self.image * (1 - cover) + shown * cover, dtype=np.float32)


def cover_of(size: tuple[int, int], shape: Shape, edge: float = 1.0) -> Image:
    """Draw how far a shape covers each pixel, from exactly 0 to exactly 1, ``size``."""
    canvas = Canvas(size)
    canvas.lay(shape, 1.0, edge)
    return canvas.image


def _patch(size: tuple[int, int], shape: Shape, edge: float) -> tuple[tuple[slice, slice], Image, Image, Image] | None:
    reach = shape.reach + edge
    ends = [
        (max(0, math.floor(center - reach)), min(length, math.ceil(center + reach) + 1))
        for center, length in zip((shape.row, shape.column), size, strict=True)
    ]
    if any(first >= last for first, last in ends):
        return None
    y = (np.arange(*ends[0], dtype=np.float32) - np.float32(shape.row))[:, None]
    x = (np.arange(*ends[1], dtype=np.float32) - np.float32(shape.column))[None]
    cover = np.clip(shape.distance(y, x) / edge + 0.5, 0, 1).astype(np.float32)
    return (slice(*ends[0]), slice(*ends[1])), y, x, cover
