"""One figure of the benchmark, and where finished ones are kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.metrics.scores import Score

__all__ = ["Output", "Record", "cache_file", "read_outputs", "write_outputs"]


@dataclass(frozen=True)
class Output:
    """What came of a method in one mode on one image, scored over one range.

    Attributes:
        mode: input, blind or oracle.
        range: width of the range, in the modality's units.
        window: whether the range is a window of the protocol, and not the image's own.
        score: the measures.
        measures: those of acceptance, if they were asked for and this is not a window.
    """

    mode: str
    range: float
    window: bool
    score: Score
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """A row of results.csv.

    Attributes:
        modality: of the cell.
        law: of the cell.
        level: of the cell.
        method: its name.
        mode: input, blind or oracle.
        image: its name.
        patient: whom it shows.
        output: what came of it; None where nothing did.
        note: why nothing did.
        failed: whether that is a failure, and not a library that is absent.
    """

    modality: str
    law: str
    level: str
    method: str
    mode: str
    image: str
    patient: str
    output: Output | None
    note: str = ""
    failed: bool = False

    @property
    def cell(self) -> str:
        """The cell's name."""
        return f"{self.modality}/{self.law}/{self.level}"


def cache_file(folder: Path, exposure: Exposure, windows: Sequence[tuple[float, float]], fingerprint: str) -> Path:
    """Name the file for a method's outputs by all that they depend on, the pixels first of all."""
    digest = hashlib.sha256()
    for array in (exposure.noisy, exposure.clean):
        digest.update(array.tobytes())
    settings = (exposure.modality, exposure.noisy.shape, exposure.lower, exposure.width, exposure.bits, windows)
    digest.update(repr((settings, fingerprint)).encode())
    return folder / f"{digest.hexdigest()[:32]}.json"


def read_outputs(path: Path) -> list[Output] | None:
    """Read what a method gave before; None if it has not run yet, or the entry is of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [Output(**{**entry, "score": Score(*entry["score"])}) for entry in content]
    except (OSError, ValueError, TypeError):
        return None


def write_outputs(path: Path, outputs: Sequence[Output]) -> None:
    """Keep what a method gave; whole or not at all, whenever the run is interrupted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(output) for output in outputs]), encoding="utf-8")
    unfinished.replace(path)
