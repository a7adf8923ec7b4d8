"""The noise level of an MR magnitude image, measured where there is no signal: in air."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["MagnitudeNoise", "estimate_magnitude_noise", "shows_clipped_noise"]

TILE, STEP = 8, 4  # pixels; tiles overlap, so that air between a ghost and the head is found too
SAMPLE = 2**20  # pixels of a volume; its slices share their noise, and these hold enough air
TESTED = 2**14  # values of which the distribution is tested
DIGITS = 1e-5  # of the largest value; closer values are one, which rounding in float32 has parted
SILENT = 0.5  # share of a tile's pixels that are as low as none other, from which it holds no noise: zeroed, padded
STARTS = (0.005, 0.02, 0.05, 0.1, 0.2)  # of the tiles, sorted: where the search for the darkest group of tiles begins
WINDOW = 0.4  # of log power on either side; noise of one coil in a tile has a deviation of 0.125, correlated of 0.25
SPREADS = 2.0  # deviations of the tiles' power on either side that are counted as air
LEAST_TILES = 0.01  # share of all tiles that is air
LEAST_PIXELS = 1000  # independent ones
LEAST_OF_TILE = 10.0  # independent pixels; zero filling to the double leaves 16 of 64, texture of tissue 2 to 5
MOST_COILS = 16  # noise of more has the shape of a normal law, as tissue under an offset has
SHAPE = 0.1  # by how much the shape may be above 1, as a weak signal lifts it, beside what chance gives
DEVIATION = 0.02  # largest distance between the distributions, beside what chance gives; Rice's at A = 1.5 s is at 0.05
CHANCE = 1.6  # of Kolmogorov's statistic; one in a hundred is above
EVIDENCE = 3.0  # log likelihood ratio
CUT_OFF = (0.2, 0.8)  # share of a tile's pixels that noise about 0, whose lower half was cut off, leaves at 0
CUT_OFF_TILES = 0.05  # share of all tiles; an edge beside zeroed air has fewer


class MagnitudeNoise(NamedTuple):
    """Noise of a magnitude image.

    Attributes:
        level: standard deviation in each part of each coil, in the image's units.
        coils: number of coils whose squares are summed, 1 for Rician noise.
    """

    level: float
    coils: int


def estimate_magnitude_noise(image: Tensor) -> MagnitudeNoise | None:
    """Measure the noise of a magnitude image in its air, if there is air and its noise is that of a magnitude.

    The power of small tiles has its lowest accumulation in air. There the squared values are gamma distributed: their
    mean is ``2 L s^2``, their variance ``4 L s^4``. Whether the values follow that law is tested: zeroed air, tissue,
    and noise that was added to a magnitude do not.

    Args:
        image: slices ``(..., H, W)``, nothing below 0, in any unit.

    Returns:
        The noise level and the number of coils; None where they cannot be measured.

    Reference: Koay, Ozarslan & Pierpaoli, "Probabilistic identification and estimation of noise (PIESNO)", JMR 2009
        (background by its law, in turns with the level); Aja-Fernandez & Tristan-Vega, "A review on statistical noise
        models for magnetic resonance imaging", 2013 (moments in the background).
    """
    tiles = _tiles(image)
    total = len(tiles)
    tiles = tiles[(tiles == image.min()).double().mean(1) < SILENT]
    powers, order = tiles.square().mean(1).clamp(min=1e-300).log().sort()
    for start in STARTS:
        if not len(powers):
            break
        inside = _accumulation(powers, float(powers[int(start * total) % len(powers)]))
        if inside.sum() < max(LEAST_TILES * total, 2):
            continue
        noise = _fit(tiles[order[inside]], float(powers[inside].std()))
        if noise is not None:
            return noise
    return None


def shows_clipped_noise(image: Tensor) -> bool:
    """Tell whether noise about 0 was cut off at 0, as no magnitude's is: about half of the air's pixels are 0.

    Args:
        image: slices ``(..., H, W)``, nothing below 0.
    """
    zeros = (_tiles(image) <= 0).double().mean(1)
    partly = ((zeros > CUT_OFF[0]) & (zeros < CUT_OFF[1])).double().mean()
    return bool(partly > max(CUT_OFF_TILES, float((zeros >= CUT_OFF[1]).double().mean())))


def _tiles(image: Tensor) -> Tensor:
    """Cut slices into tiles, ``(count, pixels)``, in float64."""
    places = list(np.ndindex(*image.shape[:-2]))
    every = math.ceil(image.numel() / SAMPLE)
    slices = torch.stack([image[place] for place in places[every // 2 :: every]])
    return slices.double().unfold(1, TILE, STEP).unfold(2, TILE, STEP).reshape(-1, TILE * TILE)


def _accumulation(powers: Tensor, center: float) -> Tensor:
    """Find the values around the nearest mode, as a mask; the side away from the signal gives the width."""
    for _ in range(20):
        near = powers[(powers - center).abs() < WINDOW]
        moved = float(near.median())
        if moved == center:
            break
        center = moved
    for _ in range(5):
        below = powers[(powers > center - 2 * WINDOW) & (powers <= center)]
        width = SPREADS * float((below - center).square().mean().sqrt())
        near = powers[(powers - center).abs() <= width]
        center = float(near.median())
    return (powers - center).abs() <= width


def _fit(tiles: Tensor, spread: float) -> MagnitudeNoise | None:
    """Fit the law of noise alone by its moments, and test it."""
    values = _thinned(tiles)
    distinct, counts = values.unique(return_counts=True)
    if len(distinct) < 2 or spread == 0:
        return None
    quantum = float(distinct.diff().median()) ** 2 / 12  # what rounding to whole gray levels adds to a square
    squares = tiles.square()
    power, variance = float(squares.mean()), float(squares.var(correction=0))
    mean, variance = power - quantum, variance - 4 * power * quantum
    if not 0 < variance < 2 * mean**2:
        return None
    shape = mean**2 / variance  # L
    coils = round(shape)
    # Overlapping tiles hold each pixel several times; correlated noise has fewer independent pixels.
    of_tile = min(1 / (shape * spread**2), TILE * TILE)
    independent = of_tile * len(tiles) * (STEP / TILE) ** 2
    if not 1 <= coils <= MOST_COILS or of_tile < LEAST_OF_TILE or independent < LEAST_PIXELS:
        return None
    if coils == 1 and shape - 1 > SHAPE + 2 * math.sqrt(8 / independent):
        return None
    noise = MagnitudeNoise(math.sqrt(mean / (2 * coils)), coils)
    tested = min(independent, len(values))
    if _distance(distinct, counts, noise) > DEVIATION + CHANCE / math.sqrt(tested):
        return None
    if coils > 1 and tested * _advantage(values.square(), mean, variance, noise) < EVIDENCE:
        return None
    return noise


def _thinned(tiles: Tensor) -> Tensor:
    """Take some of the values, equally far apart, and join those that only rounding has parted."""
    values = tiles.flatten()[:: math.ceil(tiles.numel() / TESTED)]
    digit = DIGITS * float(values.max()) or 1.0
    return (values / digit).round().mul(digit)


def _distance(values: Tensor, counts: Tensor, noise: MagnitudeNoise) -> float:
    """Measure the largest distance between the distribution of values and that of noise alone."""
    share = (counts.cumsum(0) - 0.5 * counts) / counts.sum()  # the middle of a step, for values that were rounded
    law = torch.special.gammainc(torch.tensor(float(noise.coils)).to(values), values.square() / (2 * noise.level**2))
    return float((share - law).abs().max())


def _advantage(squares: Tensor, mean: float, variance: float, noise: MagnitudeNoise) -> float:
    """Compare noise of several coils with a weak signal of one coil, of the same mean and variance: log likelihoods."""
    squares = squares.clamp(min=1e-3 * mean)  # a value that was rounded to 0 was not 0
    signal = math.sqrt(max(mean**2 - variance, 0.0))  # A^2 of Rice's law
    half = (mean - signal) / 2  # s^2
    argument = (squares * signal).sqrt() / half
    rice = -(squares + signal) / (2 * half) + argument + torch.special.i0e(argument).log() - math.log(2 * half)
    scale, coils = 2 * noise.level**2, noise.coils
    chi = (coils - 1) * squares.log() - squares / scale - coils * math.log(scale) - math.lgamma(coils)
    return float((chi - rice).mean())
