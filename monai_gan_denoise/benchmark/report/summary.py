"""What the figures say of each cell, and of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monai_gan_denoise.benchmark.protocol import CLEAN, REAL
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.statistics import describe
from monai_gan_denoise.metrics.scores import Score

__all__ = ["Group", "Overall", "groups", "overall"]


@dataclass(frozen=True)
class Group:
    """One method in one mode in one cell, over the images' own range or over a window.

    Attributes:
        cell: the cell's name, modality/law/level.
        method: its name.
        mode: input, blind or oracle.
        window: width of the window; None for the images' own range.
        scores: those of the images that have one.
        patients: whom those show.
        note: why the others have none; empty if all have.
    """

    cell: str
    method: str
    mode: str
    window: float | None
    scores: tuple[Score, ...]
    patients: tuple[str, ...]
    note: str

    @property
    def images(self) -> int:
        """How many images have a score."""
        return len(self.scores)

    @property
    def complete(self) -> bool:
        """Whether every image has a score: means over fewer are of other images, and are never compared."""
        return not self.note

    def mean(self, measure: str) -> float:
        """Give a measure's mean; infinite if two images are equal."""
        return float(np.mean([getattr(score, measure) for score in self.scores]))

    def describe(self, measure: str) -> dict[str, float | list[float] | None]:
        """Give a measure's mean, spread and confidence interval."""
        return describe([getattr(score, measure) for score in self.scores], self.patients)


@dataclass(frozen=True)
class Overall:
    """A method's mean over the cells of simulated noise, modalities weighing equally.

    Attributes:
        method: its name.
        mode: input, blind or oracle.
        cells: how many there are.
        score: the mean of every measure.
    """

    method: str
    mode: str
    cells: int
    score: Score


def groups(records: Sequence[Record], taken: Sequence[Group] = ()) -> list[Group]:
    """Gather the records of each cell, in the order in which they come, and what is taken for it from elsewhere."""
    gathered: dict[tuple[str, str, str, float | None], list[Record]] = {}
    notes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for record in records:
        window = record.output.range if record.output is not None and record.output.window else None
        gathered.setdefault((record.cell, record.method, record.mode, window), []).append(record)
        if record.note:
            notes[record.cell, record.method, record.mode].append(record.note)
    made = [_group(key, found, "; ".join(dict.fromkeys(notes[key[:3]]))) for key, found in gathered.items()]
    cells = list(dict.fromkeys(one.cell for one in (*made, *taken)))
    return sorted([*made, *taken], key=lambda one: cells.index(one.cell))  # stable: a cell's own come first


def overall(found: Sequence[Group]) -> Iterator[Overall]:
    """Average what has a figure in every cell of simulated noise; what lacks one would be averaged over others."""
    simulated = [one for one in found if one.window is None and one.cell.split("/")[1] not in (CLEAN, REAL)]
    cells = {one.cell for one in simulated}
    gathered: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for one in simulated:
        if one.complete:
            gathered[one.method, one.mode].append(one)
    for (method, mode), measured in gathered.items():
        if {one.cell for one in measured} == cells:
            means = (_over_modalities(measured, measure) for measure in Score._fields)
            yield Overall(method, mode, len(cells), Score(*means))


def _group(key: tuple[str, str, str, float | None], records: Sequence[Record], note: str) -> Group:
    scored = [(record.output.score, record.patient) for record in records if record.output is not None]
    return Group(*key, tuple(score for score, _ in scored), tuple(name for _, name in scored), note)


def _over_modalities(measured: Sequence[Group], measure: str) -> float:
    by_modality: dict[str, list[float]] = defaultdict(list)
    for one in measured:
        by_modality[one.cell.split("/")[0]].append(one.mean(measure))
    return float(np.mean([np.mean(means) for means in by_modality.values()]))
