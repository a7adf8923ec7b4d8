"""The measures of harm, in tables, and how to read each: regions shifted, noise removed and how evenly, contrast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from monai_gan_denoise.benchmark.evenness import NATIVE, REMOVED, UNEVENNESS, UNIFORM
from monai_gan_denoise.benchmark.harm import BLOCK_SHIFT, Harm, HarmFinding, block_shifts
from monai_gan_denoise.benchmark.low_contrast import CONTRAST, FREQUENCY, INSERTS, NOISE_LEFT
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.display import MODALITIES
from monai_gan_denoise.benchmark.report.grids import Column, Grid, Topic, make_grid

__all__ = ["harm_topics"]

HALF = 0.5  # noise levels: a region off by more looks like disease
SHIFT_COLUMNS = (
    Column("largest", "noise levels, 0 is best", 2, 0),
    Column("over half a level", "% of noisy images, 0 is best", 1, 0),
)
SUBJECTS = {
    f"{NATIVE}": "native images",
    f"{NATIVE} soft tissue": "native soft tissue",
    f"{UNIFORM} white": "uniform, white noise",
    f"{UNIFORM} smooth": "uniform, smooth noise",
}
SHIFT_READINGS = {
    "Largest": "How far the mean of 32 x 32 pixels moved from the clean image's, in standard deviations of the noise: "
    "the worst block of all images and cells of simulated noise. A region that darkens or brightens as a whole looks "
    "like disease. The noisy image's own is what chance moves, and in MR magnitudes the noise's bias, which methods "
    "are to take away.",
    "Over half a level": "Of how many images a block moved by more than half a standard deviation of the noise.",
}
REMOVED_READINGS = {
    "Removed": "How much of the noise in quiet blocks of 12 x 12 pixels is gone: 1 less the median of their deviation "
    "after over before, a fitted plane taken off. Native images are measured as their files are. Quiet are the blocks "
    "with signal between the 20th and the 40th percentile of the deviation. 0: nothing happens; near 100: watch the "
    "contrast of faint inserts.",
    "Uneven": "90th less 10th percentile over blocks of the removed deviation over the noise's. 0: all blocks alike; "
    "high: patches, smooth beside untouched. Read both: who removes nothing is even too.",
}
CONTRAST_READINGS = {
    "Inserts": "The share of the contrast that is left of faint discs, in %. 100: all; 0: gone. Each realization is "
    "denoised with them and without, so that noise cancels.",
    "Noise left": "Standard deviation over realizations after over before, in the uniform middle.",
    "Frequency": "By how much the mean frequency of the noise's spectrum moved. Below 0: what is left is coarser, "
    "blotches in place of grain. Readers accept little of it.",
}


def harm_topics(records: Sequence[Record], harm: Harm) -> list[Topic]:
    """Gather the tables of harm.

    Args:
        records: of the run, with the shifts of blocks or without.
        harm: of the run.

    Returns:
        Those that hold anything.
    """
    topics = (
        Topic("Regions shifted: means of 32 x 32 pixels", SHIFT_READINGS, tuple(_shifts(records))),
        Topic("Noise removed from images as they come, and how evenly", REMOVED_READINGS, tuple(_removed(harm))),
        Topic("Faint inserts of a CT phantom, and the grain", CONTRAST_READINGS, tuple(_contrast(harm))),
    )
    return [topic for topic in topics if topic.grids]


def _shifts(records: Sequence[Record]) -> Iterator[Grid]:
    found = list(block_shifts(records))
    for modality, title in MODALITIES.items():
        rows = _by_method([one for one in found if one.modality == modality], BLOCK_SHIFT)
        whole = set[tuple[str, str]]().union(*(each.keys() for each in rows.values()))
        values = {}
        for names, each in rows.items():  # who lacks an image that others have is not compared
            shifts = list(each.values()) if each.keys() == whole else []
            over = [100 * float(np.mean(np.array(shifts) > HALF))] if shifts else []
            values[names] = [[max(shifts)] if shifts else [], over]
        if values:
            yield make_grid(f"{title}: {len(whole)} noisy image{'s' * (len(whole) != 1)}", SHIFT_COLUMNS, values)


def _removed(harm: Harm) -> Iterator[Grid]:
    for modality, title in MODALITIES.items():
        here = [one for one in harm.findings if one.modality == modality and one.measure in (REMOVED, UNEVENNESS)]
        subjects = [subject for subject in SUBJECTS if any(one.subject == subject for one in here)]
        columns, values = [], dict[tuple[str, str], list[list[float]]]()
        for subject in subjects:
            columns.append(Column("removed", f"% of the noise, {SUBJECTS[subject]}", 0, 100, marked=False))
            columns.append(Column("uneven", SUBJECTS[subject], 2, 0, marked=False))
            for measure, scale in ((REMOVED, 100.0), (UNEVENNESS, 1.0)):
                rows = _by_method([one for one in here if one.subject == subject], measure)
                _append(values, rows, 2 * subjects.index(subject) + (measure == UNEVENNESS), scale)
        images = len({one.image for one in here if one.subject == NATIVE})
        if values:
            yield make_grid(
                f"{title}: {images} native image{'s' * (images != 1)}", columns, _filled(values, len(columns))
            )


def _contrast(harm: Harm) -> Iterator[Grid]:
    doses = dict.fromkeys(one.subject for one in harm.findings if one.measure == FREQUENCY)
    for dose in doses:
        columns = [
            Column(f"{hu} HU", f"{size} px, % kept, 100 is best", 0, 100, marked=False) for hu, size in INSERTS.items()
        ]
        columns.append(Column("noise left", "% of the deviation", 0, 0, marked=False))
        columns.append(Column("frequency", "% moved, 0 is best", 0, 0, marked=False))
        kinds = [(CONTRAST, f"{dose} {hu} HU {size} px", 100.0) for hu, size in INSERTS.items()]
        kinds += [(NOISE_LEFT, dose, 100.0), (FREQUENCY, dose, 100.0)]
        values = dict[tuple[str, str], list[list[float]]]()
        for place, (measure, subject, scale) in enumerate(kinds):
            rows = _by_method([one for one in harm.findings if one.subject == subject], measure)
            _append(values, rows, place, scale)
        yield make_grid(f"Dose of {dose}", columns, _filled(values, len(columns)))


def _by_method(findings: Sequence[HarmFinding], measure: str) -> Mapping[tuple[str, str], dict[tuple[str, str], float]]:
    rows: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for one in findings:
        if one.measure == measure:
            rows.setdefault((one.method, one.mode), {})[one.subject, one.image] = one.value
    return rows


def _append(
    values: dict[tuple[str, str], list[list[float]]],
    rows: Mapping[tuple[str, str], Mapping[tuple[str, str], float]],
    place: int,
    scale: float,
) -> None:
    whole = set[tuple[str, str]]().union(*(each.keys() for each in rows.values()))
    for names, each in rows.items():
        row = values.setdefault(names, [])
        row += [[] for _ in range(place - len(row))]
        row.append([scale * value for value in each.values()] if each.keys() == whole else [])


def _filled(
    values: Mapping[tuple[str, str], list[list[float]]], width: int
) -> Mapping[tuple[str, str], list[list[float]]]:
    return {names: row + [[] for _ in range(width - len(row))] for names, row in values.items()}
