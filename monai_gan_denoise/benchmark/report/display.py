"""How images are shown: which values are black and white, and how far the scale of a residual goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.benchmark.methods import NOISY
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.report.examples import Example

__all__ = ["MODALITIES", "Display", "Image", "display_of", "unit_of"]

MODALITIES = {"ct": "CT", "mr": "MR", "xr": "X-ray", "us": "Ultrasound", "oct": "OCT"}
GRAY = (1.0, 99.7)  # percentiles of the clean image that are black and white where no window is in use
SCALE = 99.5  # percentile of a residual's magnitude that has the full color

Image = npt.NDArray[Any]


@dataclass(frozen=True)
class Display:
    """An example, ready to be drawn.

    Attributes:
        unit: of the modality's values.
        black: the value that is black, in that unit; what is below is black too.
        white: the value that is white.
        images: noisy, outputs and clean, by name, in that unit.
        removed: of each output, what was taken from the noisy image: noisy - output; of clean the noise itself.
        removed_limit: the magnitude that has the full color.
        errors: of the noisy image and each output, what is wrong: output - clean.
        error_limit: the magnitude that has the full color, set by the outputs.
    """

    unit: str
    black: float
    white: float
    images: dict[str, Image]
    removed: dict[str, Image]
    removed_limit: float
    errors: dict[str, Image]
    error_limit: float


def display_of(example: Example, protocol: Protocol) -> Display:
    """Put an example into the modality's units, and find its scales.

    Args:
        example: what to show.
        protocol: whose first window a CT in HU is shown in; others from the 1st to the 99.7th percentile of clean.
    """
    exposure = example.exposure
    arrays = {NOISY: exposure.noisy, **example.outputs, "clean": exposure.clean}
    images = {name: np.asarray(array, float) * exposure.width + exposure.lower for name, array in arrays.items()}
    noisy, clean = images[NOISY], images["clean"]
    windows = protocol.windows.get(exposure.modality, ()) if exposure.bits is None else ()
    black, white = windows[0] if windows else (float(value) for value in np.percentile(clean, GRAY))
    removed = {name: noisy - images[name] for name in (*example.outputs, "clean")}
    errors = {name: images[name] - clean for name in (NOISY, *example.outputs)}
    return Display(
        unit_of(exposure.modality, exposure.bits),
        black,
        white,
        images,
        removed,
        _limit([removed[name] for name in removed]),
        errors,
        _limit([errors[name] for name in example.outputs]),
    )


def unit_of(modality: str, bits: int | None) -> str:
    """Name the unit of an image's values."""
    if bits is None:
        return "HU" if modality == "ct" else "units"
    return "gray levels"


def _limit(residuals: list[Image]) -> float:
    return float(np.percentile(np.abs(np.stack(residuals)), SCALE)) or 1.0
