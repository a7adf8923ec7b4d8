"""Every law at its three levels on a phantom of a modality that has it, as one picture."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from monai_gan_denoise import phantoms
from monai_gan_denoise.io import whole_file
from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.simulation.scan import SPACING
from monai_gan_denoise.transforms.noise import LAWS, Law

__all__ = ["draw_laws"]

logger = logging.getLogger(__name__)

LEGEND = "Clean phantoms. Below: each law at three levels, and the PSNR of what is shown over the range of its levels"
TILE = 144  # pixels; every one is a pixel of a phantom, since resampling would change the noise
GAP = 6
CAPTION = 17  # height of a line of text
HEADING = 24
MARGIN = 14
TEXT, TITLE = 12, 15  # sizes of type
BLACK, GRAY, WHITE = 0, 90, 255
SHADES = 64  # gray levels: fewer bits a pixel, and noise hides the steps


class Subject(NamedTuple):
    """What a modality is shown on.

    Attributes:
        draw: draws the clean image in network units, of the size of a tile or larger.
        spacing: between pixels, in mm.
        window: intensities that are shown as black and white.
        corner: row and column where the tile begins.
    """

    draw: Callable[[], npt.NDArray[np.float64]]
    spacing: float
    window: tuple[float, float] = (0, 1)
    corner: tuple[int, int] = (0, 0)

    def tile(self, image: Tensor) -> Tensor:
        """Cut out what is shown."""
        row, column = self.corner
        return image[row : row + TILE, column : column + TILE]


SUBJECTS: Mapping[str, Subject] = {
    # A body of 34 cm whole, since its width makes the noise, and of it the liver and the spine, in [-160, 240] HU.
    "ct": Subject(lambda: phantoms.abdomen(256), 380 / 256, (0.288, 0.4213), (56, 20)),
    "mr": Subject(lambda: phantoms.head(TILE), 230 / TILE),
    "xr": Subject(lambda: phantoms.chest_radiograph(TILE), 400 / TILE),
    "us": Subject(lambda: phantoms.sonogram(TILE), 150 / TILE, (0, 0.85)),
    "oct": Subject(lambda: phantoms.bscan(TILE, TILE), 6 / TILE),
}
# Of the laws that every modality has, those that one is known for; the others are shown on the head.
KNOWN_FOR = {"speckle": "us", "impulse": "xr", "impulse-random": "xr"}
COLUMNS = 2  # laws in a row
LAW_WIDTH = 3 * TILE + 2 * GAP
LAW_HEIGHT = HEADING + CAPTION + TILE


def draw_laws(path: str | Path, laws: Mapping[str, Law] = LAWS) -> None:
    """Draw the clean phantoms, then three tiles a law, each with its level and its PSNR over the range of levels.

    Args:
        path: the PNG to write.
        laws: those to draw.

    Raises:
        ValueError: if ``path`` does not end in .png.
    """
    output = Path(path)
    if output.suffix.lower() != ".png":
        raise ValueError(f"--figure must end in .png, got {output}. Rename it.")
    rows = math.ceil(len(laws) / COLUMNS)
    size = (
        2 * MARGIN + COLUMNS * LAW_WIDTH + (COLUMNS - 1) * 3 * MARGIN,
        2 * MARGIN + (rows + 1) * LAW_HEIGHT + rows * MARGIN,
    )
    canvas = Image.new("L", size, WHITE)
    clean = {modality: torch.as_tensor(SUBJECTS[modality].draw(), dtype=torch.float32) for modality in MODALITIES}
    _draw_clean(canvas, clean)
    for number, law in enumerate(laws.values()):
        row, column = divmod(number, COLUMNS)
        corner = (MARGIN + column * (LAW_WIDTH + 3 * MARGIN), MARGIN + (row + 1) * (LAW_HEIGHT + MARGIN))
        _draw_law(canvas, corner, law, clean)
    with whole_file(output) as partial:
        canvas.quantize(SHADES).save(partial, format="PNG", optimize=True)
    logger.info("%s shows %d laws of noise.", output, len(laws))


def _draw_clean(canvas: Image.Image, clean: Mapping[str, Tensor]) -> None:
    _write(canvas, (MARGIN, MARGIN), LEGEND, TITLE)
    for number, (modality, image) in enumerate(clean.items()):
        left = MARGIN + number * (TILE + GAP)
        _draw_tile(canvas, (left, MARGIN + HEADING), modality.upper(), image, modality)


def _draw_law(canvas: Image.Image, corner: tuple[int, int], law: Law, clean: Mapping[str, Tensor]) -> None:
    left, top = corner
    modality = _shown_on(law)
    _write(canvas, (left, top), f"{law.name} ({modality.upper()})", TITLE)
    spacing = {SPACING: SUBJECTS[modality].spacing} if SPACING in law.parameters else {}
    for number, level in enumerate(law.examples):
        noisy = law(clean[modality][None], level, Generator().manual_seed(number), **spacing)[0]
        caption = f"level {level:g}, {_psnr(noisy, clean[modality], modality)}"
        _draw_tile(canvas, (left + number * (TILE + GAP), top + HEADING), caption, noisy, modality)


def _psnr(noisy: Tensor, clean: Tensor, modality: str) -> str:
    error = float(SUBJECTS[modality].tile(noisy - clean).square().mean())
    return f"{-10 * math.log10(error):.1f} dB" if error else "unchanged"


def _shown_on(law: Law) -> str:
    if tuple(law.modalities) != MODALITIES:
        return law.modalities[0]
    return KNOWN_FOR.get(law.name, "mr")


def _draw_tile(canvas: Image.Image, corner: tuple[int, int], caption: str, image: Tensor, modality: str) -> None:
    left, top = corner
    low, high = SUBJECTS[modality].window
    shown = ((SUBJECTS[modality].tile(image) - low) / (high - low)).clamp(0, 1) * WHITE
    _write(canvas, (left, top), caption, TEXT, GRAY)
    canvas.paste(Image.fromarray(shown.round().byte().numpy()), (left, top + CAPTION))


def _write(canvas: Image.Image, corner: tuple[int, int], text: str, size: int, shade: int = BLACK) -> None:
    ImageDraw.Draw(canvas).text(corner, text, fill=shade, font=ImageFont.load_default(size))
