"""Trees of vessels: thin tubes that bend and fork."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.fields import Image

__all__ = ["draw_tree"]

STEP = 6.0  # pixels that a vessel runs straight
THINNEST = 0.8  # pixels; a thinner vessel ends
MOST = 160  # segments of a tree


def draw_tree(
    random: RandomState, size: tuple[int, int], root: tuple[float, float], angle: float, width: float
) -> Image:
    """Draw a tree of vessels.

    Args:
        random: source of randomness.
        size: rows and columns of the image.
        root: row and column where it begins.
        angle: where it goes, from the rows' axis.
        width: of its stem, in pixels; branches are thinner, to 0.8 pixels.

    Returns:
        How far the tree covers each pixel, from exactly 0 to 1, ``size`` in float32. A vessel thinner than a pixel
        covers less than all of it.
    """
    cover = np.zeros(size, dtype=np.float32)
    ends = [(*root, angle, width)]
    for _ in range(MOST):
        if not ends:
            break
        row, column, heading, thickness = ends.pop(random.randint(len(ends)))
        heading += random.normal(0, 0.25)
        end = (row + STEP * math.cos(heading), column + STEP * math.sin(heading))
        _join(cover, (row, column), end, thickness / 2)
        thickness *= random.uniform(0.93, 1.0)
        if thickness < THINNEST or not (-STEP < end[0] < size[0] + STEP and -STEP < end[1] < size[1] + STEP):
            continue
        if random.random_sample() < 0.22:
            side, share = random.choice([-1, 1]), random.uniform(0.5, 0.85)
            ends.append((*end, heading + side * random.uniform(0.3, 0.9), thickness * share))
            heading, thickness = heading - side * random.uniform(0.05, 0.4), thickness * math.sqrt(1 - share**2 / 2)
        ends.append((*end, heading, thickness))
    return cover


def _join(cover: Image, begin: tuple[float, float], end: tuple[float, float], radius: float) -> None:
    """Draw a straight tube with round ends into a cover, in place."""
    limits = [
        (max(0, math.floor(min(a, b) - radius - 1)), min(length, math.ceil(max(a, b) + radius + 1) + 1))
        for a, b, length in zip(begin, end, cover.shape, strict=True)
    ]
    if any(first >= last for first, last in limits):
        return
    y = (np.arange(*limits[0], dtype=np.float32) - begin[0])[:, None]
    x = (np.arange(*limits[1], dtype=np.float32) - begin[1])[None]
    along = (end[0] - begin[0], end[1] - begin[1])
    place = np.clip((y * along[0] + x * along[1]) / (along[0] ** 2 + along[1] ** 2), 0, 1)
    distance = radius - np.hypot(y - place * along[0], x - place * along[1])
    box = (slice(*limits[0]), slice(*limits[1]))
    cover[box] = np.maximum(cover[box], np.clip(distance + 0.5, 0, min(1.0, 2 * radius)))
