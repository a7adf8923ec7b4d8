"""Square blocks of an image: what their means moved by, and the noise in those where nothing else is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Removal", "block_shift", "noise_removal", "plane_deviation", "quiet_blocks"]

SHIFT_SIDE = 32  # pixels: a lobe, a nodule's neighborhood; the mean of white noise has a thirty-second of its level
NOISE_SIDE = 12  # pixels: small enough for organs to be flat, large enough for a deviation to be known within 6 %
QUIET = (20.0, 40.0)  # percentiles of deviation: above what is constant by clipping, below what holds structure
FEWEST = 20  # blocks with signal, below which percentiles say nothing
SPREAD = (10.0, 90.0)  # percentiles of blocks

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Removal(NamedTuple):
    """How much noise a method took, and how evenly.

    Attributes:
        removed: 1 less the median over blocks of the deviation after over before; 0 for nothing, 1 for all.
        unevenness: 90th less 10th percentile over blocks of the removed deviation over that of the noise; 0 is even.
        blocks: how many blocks that is of.
    """

    removed: float
    unevenness: float
    blocks: int


def block_shift(clean: Values, output: Values, level: float, side: int = SHIFT_SIDE) -> float:
    """Give the largest distance between the means of a block in two images, in levels of the noise.

    That of the noisy image, in the place of the output, is what noise alone moves a mean by: a method is to be read
    beside it.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.
        level: standard deviation of the noise, in the same units.
        side: of the blocks, which begin in the upper left corner and do not overlap, in pixels.

    Returns:
        The largest ``|mean(output) - mean(clean)| / level``; NaN if the image holds no block or the level is 0.

    Example:
        >>> block_shift(np.zeros((64, 64)), np.full((64, 64), 0.2), 0.1)
        2.0
    """
    if min(clean.shape) < side or level == 0:
        return math.nan
    return float(np.abs(_blocks(output - clean, side).mean((1, 2))).max() / level)


def plane_deviation(image: Values, side: int = NOISE_SIDE) -> Values:
    """Give each block's standard deviation about the plane that fits it best.

    Args:
        image: ``(H, W)``.
        side: of the blocks, in pixels.

    Returns:
        One a block, row by row; of white noise, without bias in its square.
    """
    rows, columns = np.indices((side, side)).reshape(2, -1) - (side - 1) / 2
    plane = np.stack([np.ones(side * side), rows, columns], axis=1)
    values = _blocks(image, side).reshape(-1, side * side)
    residual = values - values @ np.linalg.pinv(plane).T @ plane.T
    return np.asarray(np.sqrt(np.sum(residual**2, axis=1) / (side * side - 3)))


def quiet_blocks(image: Values, signal: tuple[float, float], least: float, side: int = NOISE_SIDE) -> Mask:
    """Find the blocks of an image in which there is signal and little but noise.

    Of the blocks with a mean between the ends of ``signal`` and a deviation about their plane above ``least``, those
    between the 20th and the 40th percentile of that deviation. None if fewer than 20 have signal.

    Args:
        image: ``(H, W)``, as it is before a method.
        signal: lowest and highest mean of a block.
        least: deviation, below which a block is clipped or rounded flat.
        side: of the blocks, in pixels.

    Returns:
        True for those, one a block, row by row.
    """
    mean, deviation = _blocks(image, side).mean((1, 2)), plane_deviation(image, side)
    usable = (mean > signal[0]) & (mean < signal[1]) & (deviation > least)
    if usable.sum() < FEWEST:
        return np.zeros_like(usable)
    low, high = np.percentile(deviation[usable], QUIET)
    return np.asarray(usable & (deviation >= low) & (deviation <= high))


def noise_removal(noisy: Values, output: Values, blocks: Mask, side: int = NOISE_SIDE) -> Removal:
    """Measure how much of the noise in some blocks is gone, and whether in all alike.

    Args:
        noisy: ``(H, W)``, before the method.
        output: same shape and units, after it.
        blocks: which to take, as ``quiet_blocks`` gives them; in them the deviation of ``noisy`` is the noise's.
        side: of the blocks, in pixels.

    Returns:
        NaN for both figures if there is no block.
    """
    if not blocks.any():
        return Removal(math.nan, math.nan, 0)
    before, after, gone = (plane_deviation(image, side)[blocks] for image in (noisy, output, noisy - output))
    low, high = np.percentile(gone / before, SPREAD)
    return Removal(float(1 - np.median(after / before)), float(high - low), int(blocks.sum()))


def _blocks(image: Values, side: int) -> Values:
    down, across = (size // side for size in image.shape)
    cut = image[: down * side, : across * side].reshape(down, side, across, side)
    return cut.swapaxes(1, 2).reshape(-1, side, side)
