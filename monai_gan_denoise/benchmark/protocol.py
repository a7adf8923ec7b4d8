"""The protocol: what is measured, as data.

``protocol.json`` lists it; its ``version`` changes whenever a figure could. An earlier version stays beside it, as
``protocol_2.json``, so that what was published by it can be measured again. What they do not say in numbers:

* Noise is drawn on the whole slice in network units, float32, neither clipped nor rounded; then the middle is cropped.
* Of a volume the middle slice is taken.
* Values of references and outputs are limited to the range, and counted from its lower end (SSIM depends on that).
* Every range in ``windows`` is scored besides, with references and outputs limited to it.
* Images neither in 8 bits nor in HU have the first of the ``others`` ranges that holds them.
* Modalities weigh equally in any mean over them; so do the cells within a modality.
* The reference of a cell is one of ``REFERENCES``. ``halved``: the means over 2 x 2 pixels, which halve the noise that
  the file has itself, where the shorter side has ``halved_from`` pixels or more; ``own``: the file's own pixels;
  ``noise-free``: phantoms, and volumes computed from labels, alone.
* Magnitudes of MR are scored against the clean image: whoever denoises them is to take the noise's bias away too.
* Of volumes beside the data, the middle slice is one image more; its range is the first of ``volume_ranges`` that
  holds it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

__all__ = ["CLEAN", "HALVED", "NOISE_FREE", "OWN", "REAL", "VERSIONS", "Cell", "Protocol", "load_protocol"]

FOLDER = Path(__file__).parent
FILES = {3: "protocol.json", 2: "protocol_2.json"}
VERSIONS = tuple(FILES)  # the newest first
CLEAN, REAL = "clean", "real"  # names that stand in the place of a law's: no noise, and a detector's own
OWN, HALVED, NOISE_FREE = REFERENCES = ("own", "halved", "noise-free")

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
        reference: one of ``REFERENCES``: what noise is added to.
    """

    modality: str
    law: str
    level: str
    meaning: str
    steps: tuple[tuple[str, float, Mapping[str, float | int | str]], ...]
    quick: bool = False
    reference: str = OWN

    @property
    def name(self) -> str:
        """The cell as messages and ``--cells`` write it."""
        return f"{self.modality}/{self.law}/{self.level}"

    def seed(self, root: int, image: str) -> int:
        """Derive the seed of the noise on one image, which hangs on names alone and not on the order of a run."""
        return int.from_bytes(hashlib.sha256(f"{root} {self.name} {image}".encode()).digest()[:7])


@dataclass(frozen=True)
class Protocol:
    """What ``protocol.json``, or the file of an earlier version, holds.

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
        volume_ranges: those of slices of volumes, narrow to wide; none where volumes are not measured.
        halved_from: pixels of the shorter side, from which on a reference is halved.
        harm_images: images of a modality that measures of harm are taken on as they come; 0 where none are taken.
        harm_crop: largest side of those, in pixels.
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
    volume_ranges: tuple[Range, ...] = ()
    halved_from: int = 0
    harm_images: int = 0
    harm_crop: int = 0

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


def load_protocol(quick: bool = False, version: int = VERSIONS[0]) -> Protocol:
    """Read the protocol.

    Args:
        quick: take few cells and images and a small crop, to see whether all works; the figures say little.
        version: one of ``VERSIONS``.

    Raises:
        ValueError: if there is no such version.

    Example:
        >>> load_protocol(version=2).version
        2
    """
    if version not in FILES:
        known = ", ".join(map(str, sorted(VERSIONS)))
        raise ValueError(f"protocol must be one of {known}, got {version}. Leave it out for the newest.")
    content: dict[str, Any] = json.loads((FOLDER / FILES[version]).read_text(encoding="utf-8"))
    shortened, harm = content["quick"] if quick else {}, content.get("harm", {})
    images, crop = shortened.get("images", 0), shortened.get("crop", content["crop"])
    return Protocol(
        version=content["version"],
        seed=content["seed"],
        crop=crop,
        quick=quick,
        images=images,
        ct_range=tuple(content["ranges"]["ct"]),
        ranges=_ranges(content["ranges"]["others"]),
        windows={modality: _ranges(found) for modality, found in content["windows"].items()},
        reference_smoothing=content["reference_smoothing"],
        modalities=tuple(content["modalities"]),
        cells=tuple(cell for cell in _cells(content) if cell.quick or not quick),
        volume_ranges=_ranges(content.get("volume_ranges", ())),
        halved_from=content.get("halved_from", 0),
        harm_images=int(min(images or math.inf, harm.get("images", 0))),
        harm_crop=min(crop, harm.get("crop", 0)),
    )


def _cells(content: Mapping[str, Any]) -> list[Cell]:
    usual = content.get("reference", OWN)
    return [
        Cell(
            modality,
            entry["law"],
            entry["level"],
            entry["meaning"],
            _steps(entry),
            entry.get("quick", False),
            entry.get("reference", usual),
        )
        for modality in content["modalities"]
        for entry in content["cells"]
        if modality in entry.get("modalities", content["modalities"])
    ]


def _ranges(listed: Sequence[Sequence[float]]) -> tuple[Range, ...]:
    return tuple((low, high) for low, high in listed)


def _steps(entry: Mapping[str, Any]) -> tuple[tuple[str, float, Mapping[str, float | int | str]], ...]:
    return tuple(
        (step["law"], step["level"], {name: value for name, value in step.items() if name not in ("law", "level")})
        for step in entry["steps"]
    )


def _names(pattern: str, cell: Cell) -> bool:
    parts, whole = pattern.split("/"), cell.name.split("/")
    return len(parts) <= len(whole) and all(map(fnmatchcase, whole, parts))
