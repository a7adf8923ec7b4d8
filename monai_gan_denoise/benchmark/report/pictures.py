"""Images and figures: PNG in files, lossless WebP on the page, where it takes a third of the room."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from monai_gan_denoise.benchmark.report.display import Image
from monai_gan_denoise.io import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RESIDUAL_COLORS", "Picture", "colored", "gray", "save_figure"]

RESIDUAL_COLORS = "RdBu_r"  # of matplotlib: blue below zero, white at zero, red above
DPI = 100


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes:
        uri: the picture itself.
        words: what it shows, for whoever does not see it.
        width: in pixels.
        height: in pixels.
    """

    uri: str
    words: str
    width: int
    height: int


def save_figure(figure: Figure, path: Path, words: str) -> Picture:
    """Write a figure into a file, whole or not at all, and give it for the page."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=DPI)  # a figure without pyplot draws by Agg, with no screen
    with whole_file(path) as partial:
        partial.write_bytes(stream.getvalue())
    with Pillow.open(stream) as drawn:
        return _picture(drawn.convert("RGB"), words)


def gray(image: Image, black: float, white: float, words: str) -> Picture:
    """Give an image ``(H, W)`` in 256 shades of gray."""
    return _picture(_pixels(np.clip((image - black) / (white - black), 0, 1) * 255), words)


def colored(residual: Image, limit: float, words: str) -> Picture:
    """Give a residual ``(H, W)`` in the colors of -limit to limit."""
    from matplotlib import colormaps

    shares = np.clip(residual / limit, -1, 1) / 2 + 0.5
    return _picture(_pixels(colormaps[RESIDUAL_COLORS](shares)[..., :3] * 255), words)


def _pixels(values: Image) -> Pillow.Image:
    return Pillow.fromarray(np.rint(values).astype(np.uint8))


def _picture(pixels: Pillow.Image, words: str) -> Picture:
    stream = io.BytesIO()
    pixels.save(stream, "WEBP", lossless=True)
    uri = f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
    return Picture(uri, words, *pixels.size)
