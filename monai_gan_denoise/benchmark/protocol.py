"""The protocol: what is measured, as data.

``protocol.json`` lists it; its ``version`` changes whenever a figure could. What it does not say in numbers:

* Noise is drawn on the whole slice in network units, float32, neither clipped nor rounded; then the middle is cropped.
* Of a volume the middle slice is taken.
* Values of references and outputs are limited to the range, and counted from its lower end (SSIM depends on that).
* Every range in ``windows`` is scored besides, with references and outputs limited to it.
* Images neither in 8 bits nor in HU have the first of the ``others`` ranges that holds them.
* Modalities weigh equally in any mean over them; so do the cells within a modality.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

__all__ = ["CLEAN", "REAL", "Cell", "Protocol", "load_protocol"]

FILE = Path(__file__).with_name("protocol.json")
CLEAN, REAL = "clean", "real"  # names that stand in the place of a law's: no noise, and a detector's own

Range = tuple[float, float]


@dataclass(frozen=True)
class Cell:
    """A modality with a noise.

    Attributes:
        modality: one of ct, mr, xr, us, oct.
        law: of the noise, or ``CLEAN``, or ``REAL``.
        level: a label, which ``meaning`` explains.
        meaning: a phrase.
        steps: entries of the table ``LAWS`` that the image passes in order, as their name, level and parameters.
        quick: whether a quick run has it.
    """

    modality: str
    law: str
    level: str
    meaning: str
    steps: tuple[tuple[str, float, Mapping[str, float | int | str]], ...]
    quick: bool = False

    @property
    def name(self) -> str:
        """The cell as messages and ``--cells`` write it."""
        return f"{self.modality}/{self.law}/{self.level}"

    def seed(self, root: int, image: str) -> int:
        """Derive the seed of the noise on one image, which hangs on names alone and not on the order of a run."""
        return int.from_bytes(hashlib.sha256(f"{root} {self.name} {image}".encode()).digest()[:7])


@dataclass(frozen=True)
class Protocol:
    """What ``protocol.json`` holds.

    Attributes:
        version: of the protocol.
        seed: from which the seed of every image in every cell derives.
        crop: largest side of what is scored, in pixels.
        quick: whether this is the short form, to see whether all works.
        images: how many images of a modality are used, the first ones; 0 for all.
        ct_range: the range of CT, in HU.
        ranges: those of images neither in HU nor in 8 bits, narrow to wide.
        windows: of a modality, in its units: ranges that are scored besides the image's own.
        reference_smoothing: standard deviation of the Gaussian under which the gain of a real pair is found, in pixels.
        modalities: in the order of the tables.
        cells: in the order of the tables.
    """

    version: int
    seed: int
    crop: int
    quick: bool
    images: int
    ct_range: Range
    ranges: tuple[Range, ...]
    windows: Mapping[str, tuple[Range, ...]]
    reference_smoothing: float
    modalities: tuple[str, ...]
    cells: tuple[Cell, ...]

    def only(self, patterns: Sequence[str]) -> Protocol:
        """Keep the cells that a pattern names.

        Args:
            patterns: such as ``mr``, ``mr/rician``, ``*/gaussian/25``.

        Raises:
            ValueError: if a pattern names no cell.
        """
        for pattern in patterns:
            if not any(_names(pattern, cell) for cell in self.cells):
                raise ValueError(f"cells must name cells of the protocol, got {pattern!r}. Write modality/law/level.")
        return replace(self, cells=tuple(cell for cell in self.cells if any(_names(name, cell) for name in patterns)))


def load_protocol(quick: bool = False) -> Protocol:
    """Read the protocol.

    Args:
        quick: take few cells and images and a small crop, to see whether all works; the figures say little.
    """
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    shortened = content["quick"] if quick else {}
    cells = [
        Cell(modality, entry["law"], entry["level"], entry["meaning"], _steps(entry), entry.get("quick", False))
        for modality in content["modalities"]
        for entry in content["cells"]
        if modality in entry.get("modalities", content["modalities"])
    ]
    return Protocol(
        version=content["version"],
        seed=content["seed"],
        crop=shortened.get("crop", content["crop"]),
        quick=quick,
        images=shortened.get("images", 0),
        ct_range=tuple(content["ranges"]["ct"]),
        ranges=tuple((low, high) for low, high in content["ranges"]["others"]),
        windows={modality: tuple((low, high) for low, high in found) for modality, found in content["windows"].items()},
        reference_smoothing=content["reference_smoothing"],
        modalities=tuple(content["modalities"]),
        cells=tuple(cell for cell in cells if cell.quick or not quick),
    )


def _steps(entry: Mapping[str, Any]) -> tuple[tuple[str, float, Mapping[str, float | int | str]], ...]:
    return tuple(
        (step["law"], step["level"], {name: value for name, value in step.items() if name not in ("law", "level")})
        for step in entry["steps"]
    )


def _names(pattern: str, cell: Cell) -> bool:
    parts, whole = pattern.split("/"), cell.name.split("/")
    return len(parts) <= len(whole) and all(map(fnmatchcase, whole, parts))
