"""Text and markers that are burnt into the pixels: a denoiser takes thin strokes for noise and makes letters others.

They are drawn with the highest or the lowest number of the image, without noise and with sharp edges. Neither holds of
clipped noise, whose extremes lie scattered among numbers just below, nor of impulses, which lie alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["drawn_mask"]

LEAST = 8  # pixels: a letter has more
LONE = 0.02  # share of extreme pixels without a neighbor alike; of 20 % impulses 17 % are alone, of strokes none
EDGE = 0.25  # of the image's range: what is closer to the extreme than that is no background to draw on


def drawn_mask(image: npt.NDArray[np.number]) -> npt.NDArray[np.bool_]:
    """Find the strokes that are drawn with an extreme number, which must stay as they are.

    Areas that are saturated, or black behind the collimator, count as drawn as well: they hold no noise either.

    Args:
        image: ``(rows, columns)``, stored numbers.

    Returns:
        Same shape.
    """
    low, high = float(image.min()), float(image.max())
    mask = np.zeros(image.shape, bool)
    if low == high:
        return mask
    edge = EDGE * (high - low)
    for extreme, close in ((high, image >= high - edge), (low, image <= low + edge)):
        alike = image == extreme
        count = int(alike.sum())
        if count < LEAST:
            continue
        neighbors = _neighbors(alike)
        if int((alike & (neighbors == 0)).sum()) <= LONE * count:
            mask |= alike & (neighbors > 0) & (_neighbors(close & ~alike) == 0)
    return mask


def _neighbors(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Count the marked ones among the eight neighbors of each pixel."""
    padded = np.pad(mask, 1).view(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    result: npt.NDArray[np.uint8] = total - mask.view(np.uint8)
    return result
