"""Native images and uniform ones: how much of their noise a method takes, and whether it takes it everywhere alike.

A native image is measured as its file is. It has no reference; in its quiet blocks the deviation about a plane is
noise, of the detector or native speckle. A uniform image has nothing but noise, of a known level: white, and smoothed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.benchmark.foreign.texture import add_smooth_noise
from monai_gan_denoise.benchmark.images import Source
from monai_gan_denoise.benchmark.methods import Method
from monai_gan_denoise.benchmark.noisy_image import Exposure, crop_middle
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.metrics import noise_removal, quiet_blocks

__all__ = ["NATIVE", "REMOVED", "UNEVENNESS", "UNIFORM", "measure_native", "measure_uniform"]

NATIVE, UNIFORM = "native", "uniform"
REMOVED, UNEVENNESS = "noise_removed", "unevenness"
KERNELS = {"white": 0.0, "smooth": 0.7}  # standard deviation of the Gaussian that smooths it, in pixels
LEVELS = {"ct": 50 / 3000}  # of the range; 50 HU
USUAL_LEVEL = 10 / 255
GRAYS = {"ct": (50 + 1024) / 3000}  # soft tissue
USUAL_GRAY = 0.5
SIGNAL = (0.05, 1.0)  # of the range: neither air nor the margin around a sector
SOFT_TISSUE = ((-160 + 1024) / 3000, (240 + 1024) / 3000)  # of CT besides
FLAT = {"ct": 0.3 / 3000}  # deviation that rounding alone leaves, as a share of the range: a third of a step
USUAL_FLAT = 0.3 / 255

Values = npt.NDArray[np.float64]
Measure = tuple[str, str, str, float]  # its name, the subject, the mode and the value


def measure_native(method: Method, source: Source, protocol: Protocol) -> Iterator[Measure]:
    """Measure a method on an image as its file is.

    Args:
        method: without a reference it runs blind alone.
        source: of one image.
        protocol: for the crop.
    """
    image = replace(source.load(protocol), noisy=None)
    values = crop_middle(image.clean, protocol.harm_crop).astype(np.float32)
    exposure = Exposure(source.modality, values, values.astype(float), image.lower, image.width, image.bits)
    regions = {NATIVE: SIGNAL} | ({f"{NATIVE} soft tissue": SOFT_TISSUE} if source.modality == "ct" else {})
    mode, output = _first(method, exposure)
    for subject, signal in regions.items():
        blocks = quiet_blocks(exposure.clean, signal, FLAT.get(source.modality, USUAL_FLAT))
        yield from _removal(exposure.clean, output, blocks, subject, mode)


def measure_uniform(method: Method, modality: str, protocol: Protocol) -> Iterator[Measure]:
    """Measure a method on a uniform image under white noise, and under noise that neighbors share."""
    level, gray = LEVELS.get(modality, USUAL_LEVEL), GRAYS.get(modality, USUAL_GRAY)
    low, high = protocol.ct_range if modality == "ct" else (0.0, 255.0)
    bits = None if modality == "ct" else 8
    clean = np.full((protocol.harm_crop, protocol.harm_crop), gray)
    for kind, width in KERNELS.items():
        noisy = add_smooth_noise(clean, level, np.random.default_rng(protocol.seed), width).astype(np.float32)
        mode, output = _first(method, Exposure(modality, noisy, clean, low, high - low, bits))
        blocks = np.ones((protocol.harm_crop // 12) ** 2, dtype=bool)
        yield from _removal(noisy.astype(float), output, blocks, f"{UNIFORM} {kind}", mode)


def _removal(
    noisy: Values, output: Values, blocks: npt.NDArray[np.bool_], subject: str, mode: str
) -> Iterator[Measure]:
    found = noise_removal(noisy, output, blocks)
    if found.blocks:
        yield REMOVED, subject, mode, found.removed
        yield UNEVENNESS, subject, mode, found.unevenness


def _first(method: Method, exposure: Exposure) -> tuple[str, Values]:
    """Run a method blind alone: its first output, before an oracle would look at a reference."""
    mode, output = next(iter(method.outputs(exposure)))
    return mode, np.asarray(output, np.float64)
