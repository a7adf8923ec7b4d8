"""One image in one cell: the noise drawn, the middle cropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator

from monai_gan_denoise.benchmark.foreign import FOREIGN
from monai_gan_denoise.benchmark.images import Image, Source
from monai_gan_denoise.benchmark.protocol import HALVED, Cell, Protocol
from monai_gan_denoise.transforms.noise import LAWS

__all__ = ["Exposure", "crop_middle", "expose"]

KNOWN = {**LAWS, **FOREIGN}


@dataclass(frozen=True)
class Exposure:
    """What a method gets, and what it is measured by.

    Attributes:
        modality: of the image.
        noisy: ``(H, W)`` in network units, neither clipped nor rounded.
        clean: same shape, within [0, 1].
        lower: what 0 is in the modality's units.
        width: how much more 1 is.
        bits: 8 if the file holds 8 bits; None for others.
    """

    modality: str
    noisy: npt.NDArray[np.float32]
    clean: npt.NDArray[np.float64]
    lower: float
    width: float
    bits: int | None

    @property
    def level(self) -> float:
        """The true level: the root mean square of what the noise changed."""
        return float(np.sqrt(np.mean((self.noisy - self.clean) ** 2)))


def expose(cell: Cell, source: Source, protocol: Protocol) -> Exposure:
    """Load an image and add a cell's noise.

    Raises:
        ValueError: if the image cannot be used, or the noise has no meaning for it.
    """
    image = source.load(protocol)
    if cell.reference == HALVED and not source.noise_free:
        image = image.halved(protocol.halved_from)
    noisy = image.noisy if image.noisy is not None else _draw(cell, image, cell.seed(protocol.seed, source.name))
    clean = crop_middle(image.clean, protocol.crop)
    return Exposure(
        source.modality,
        crop_middle(noisy, protocol.crop).astype(np.float32),
        clean.astype(np.float32).astype(np.float64),  # so that nothing added is no difference
        image.lower,
        image.width,
        image.bits,
    )


def crop_middle(image: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """Give the middle of an image, of at most so many pixels along each axis."""
    window = tuple(slice((n - min(n, side)) // 2, (n + min(n, side)) // 2) for n in image.shape)
    return image[window]


def _draw(cell: Cell, image: Image, seed: int) -> npt.NDArray[np.float32]:
    rng = Generator().manual_seed(seed)
    noisy = torch.as_tensor(image.clean, dtype=torch.float32)[None]
    for name, level, parameters in cell.steps:
        if KNOWN[name].check is not None and image.bits:
            raise ValueError(f"values must be HU for {name}, got 8-bit pixels. Pass the CT in HU.")
        noisy = KNOWN[name](noisy, level, rng, **parameters)
    drawn: npt.NDArray[np.float32] = noisy[0].numpy()
    return drawn
