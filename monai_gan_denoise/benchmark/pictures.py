"""Images and figures as PNG, in files and in data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from monai_gan_denoise.benchmark.display import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RESIDUAL_COLORS", "Picture", "colored", "gray", "save_figure"]

RESIDUAL_COLORS = "RdBu_r"  # of matplotlib: blue below zero, white at zero, red above
DPI = 110


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes:
        uri: the PNG itself.
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
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(stream.getvalue())
    unfinished.replace(path)
    with Pillow.open(stream) as drawn:
        return Picture(_uri(stream.getvalue()), words, *drawn.size)


def gray(image: Image, black: float, white: float, words: str) -> Picture:
    """Give an image ``(H, W)`` in 256 shades of gray."""
    return _encode(np.clip((image - black) / (white - black), 0, 1) * 255, words)


def colored(residual: Image, limit: float, words: str) -> Picture:
    """Give a residual ``(H, W)`` in the colors of -limit to limit."""
    from matplotlib import colormaps

    shares = np.clip(residual / limit, -1, 1) / 2 + 0.5
    return _encode(colormaps[RESIDUAL_COLORS](shares)[..., :3] * 255, words)


def _encode(pixels: Image, words: str) -> Picture:
    stream = io.BytesIO()
    drawn = Pillow.fromarray(np.rint(pixels).astype(np.uint8))
    drawn.save(stream, "PNG", optimize=True)
    return Picture(_uri(stream.getvalue()), words, *drawn.size)


def _uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
