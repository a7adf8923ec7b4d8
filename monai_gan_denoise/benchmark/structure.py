"""Small lesions: how much contrast of inserted discs a method leaves, and how many discs it makes out of noise.

On phantoms with white Gaussian noise, which BM3D is made for. Discs of every diameter and contrast lie on a grid, one
of each in an image and far enough apart to be denoised as if alone; the image is denoised with and without them under
the same noise. False detections are counted on a flat image under that noise, of all methods at the same thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark.methods import Method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.metrics import Disc, contrast_kept, count_detections, disc_profile
from monai_gan_denoise.scans.errors import one_line

__all__ = ["FALSE_DETECTIONS", "KEPT", "UNMEASURED", "Finding", "Structure", "measure_structure"]

KEPT, FALSE_DETECTIONS = "contrast_kept", "false_detections"  # measures
DIGITS = 8  # significant ones, as in results.csv
DIAMETERS = (3, 6, 12, 20)  # pixels: from a calcification to a nodule
CONTRASTS = (0.5, 1.0, 2.0, 4.0)  # in standard deviations of the noise
THRESHOLDS = (0.1, 0.25, 0.5)  # the same; the lowest is 2.5 of 255 gray levels, which is seen on a flat ground
NOISE = 25 / 255  # of the range, the level that denoisers are published at
SIZE = 256  # pixels, for four discs each way with 64 between their centers
REPEATS = 8  # draws of noise and places that are averaged; 1 of a quick run
FLAT = 0.5  # of the range, the gray of the image of noise alone
PHANTOMS = {
    "ct": phantoms.abdomen,
    "mr": phantoms.head,
    "xr": phantoms.chest_radiograph,
    "us": phantoms.sonogram,
    "oct": lambda size: phantoms.bscan(size, size),
}

Image = npt.NDArray[np.float64]


class Finding(NamedTuple):
    """A row of structure.csv.

    Attributes:
        modality: of the phantom.
        method: its name.
        mode: input, blind or oracle.
        diameter: of the discs, in pixels.
        cnr: contrast, in standard deviations of the noise: that of the disc, or the least that counts as one.
        measure: ``contrast_kept``, the share of the disc's contrast that is left, or ``false_detections``, the number
            of discs in 256 x 256 pixels without any.
        value: its mean over draws of the noise.
    """

    modality: str
    method: str
    mode: str
    diameter: int
    cnr: float
    measure: str
    value: float


@dataclass(frozen=True)
class Structure:
    """What came of the discs.

    Attributes:
        findings: by modality and method.
        failed: which methods failed, and why.
    """

    findings: tuple[Finding, ...] = ()
    failed: tuple[str, ...] = ()


UNMEASURED = Structure()


def measure_structure(methods: Sequence[Method], protocol: Protocol) -> Structure:
    """Measure methods, and average over draws of the noise; one that fails leaves its reason and stops no other.

    Args:
        methods: that are installed; one meant for other modalities is left out where it is not.
        protocol: of the benchmark, for its seed, its modalities and CT's range.
    """
    findings: list[Finding] = []
    failed = []
    for modality in dict.fromkeys(cell.modality for cell in protocol.cells):
        for method in (one for one in methods if one.modalities is None or modality in one.modalities):
            try:
                findings += _findings(method, modality, protocol)
            except Exception as error:  # a library's error of any kind is this method's result
                failed.append(f"{modality} discs {method.name}: {one_line(error)}")
    return Structure(tuple(findings), tuple(failed))


def _findings(method: Method, modality: str, protocol: Protocol) -> list[Finding]:
    found: dict[tuple[str, int, float, str], list[float]] = {}
    for repeat in range(1 if protocol.quick else REPEATS):
        for row, value in _measured(method, modality, protocol, repeat):
            found.setdefault(row, []).append(value)
    return [Finding(modality, method.name, *row, mean(values)) for row, values in found.items()]


def _measured(
    method: Method, modality: str, protocol: Protocol, repeat: int
) -> Iterator[tuple[tuple[str, int, float, str], float]]:
    draws = np.random.default_rng([protocol.seed, repeat])
    noise = NOISE * draws.standard_normal((SIZE, SIZE))
    discs = _discs(draws)
    phantom = np.clip(PHANTOMS[modality](SIZE), 0, 1)
    inserted = phantom + sum(cnr * NOISE * disc_profile(phantom.shape, disc) for disc, cnr in discs)
    flat = np.full_like(phantom, FLAT)
    outputs = [_denoise(method, modality, clean, noise, protocol) for clean in (inserted, phantom, flat)]
    for mode in method.modes:
        with_discs, without, of_noise = (images[mode] for images in outputs)
        for disc, cnr in discs:
            share = contrast_kept(with_discs, without, disc, cnr * NOISE)
            yield (mode, int(disc.diameter), cnr, KEPT), share
        for diameter, cnr in product(DIAMETERS, THRESHOLDS):
            yield (mode, diameter, cnr, FALSE_DETECTIONS), count_detections(of_noise, diameter, cnr * NOISE)


def _discs(draws: np.random.Generator) -> list[tuple[Disc, float]]:
    """Put the discs, each with its contrast, to places of the grid that are drawn, so that no size has one anatomy."""
    kinds = list(product(DIAMETERS, CONTRASTS))
    step = SIZE // math.isqrt(len(kinds))
    places = draws.permutation(list(product(range(step // 2, SIZE, step), repeat=2)))
    return [(Disc(row, column, diameter), cnr) for (row, column), (diameter, cnr) in zip(places, kinds, strict=True)]


def _denoise(method: Method, modality: str, clean: Image, noise: Image, protocol: Protocol) -> dict[str, Image]:
    low, high = protocol.ct_range if modality == "ct" else (0.0, 255.0)
    noisy = (clean + noise).astype(np.float32)
    exposure = Exposure(modality, noisy, clean, low, high - low, None if modality == "ct" else 8)
    return {mode: np.asarray(output, np.float64) for mode, output in method.outputs(exposure)}
