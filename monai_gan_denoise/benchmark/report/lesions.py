"""Small lesions, in tables: the contrast kept of discs and the false ones, by size and by contrast."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monai_gan_denoise.benchmark.report.display import MODALITIES
from monai_gan_denoise.benchmark.report.grids import Column, Grid, Topic, make_grid
from monai_gan_denoise.benchmark.structure import FALSE_DETECTIONS, KEPT, NOISE, SIZE, Finding

__all__ = ["lesion_topics"]

GRAY_LEVELS = 255  # in which the noise is said
NOISE_WORDS = f"white Gaussian noise of {NOISE * GRAY_LEVELS:.0f}/{GRAY_LEVELS} of the range"
KEPT_READINGS = {
    "Contrast kept": f"Discs are put into a phantom under {NOISE_WORDS}; this is the share of their contrast that is "
    "left. 100: as inserted; 0: gone; above 100: exaggerated. Small and faint ones stand for the lesions that "
    "smoothing takes first. The noisy input keeps all, and hides it in noise: read this beside the false detections.",
    "px, CNR": "The diameter in pixels, and the contrast-to-noise ratio, in standard deviations of the noise.",
}
FALSE_READINGS = {
    "False detections": f"Discs, bright or dark, that are seen in {SIZE} x {SIZE} pixels where there is none: a flat "
    f"image under {NOISE_WORDS}. 0 is best. What a method leaves of its noise on smooth ground looks like a lesion.",
    "px, CNR ≥": "The diameter in pixels, and the least contrast that counts, in standard deviations of the noise.",
}


def lesion_topics(findings: Sequence[Finding]) -> tuple[Topic, Topic]:
    """Make a table a modality of each measure; without findings the topics are empty."""
    kept = _grids(findings, KEPT, "CNR", 100, 100, 0)
    invented = _grids(findings, FALSE_DETECTIONS, "CNR ≥", 0, 1, 1)
    return (
        Topic("Contrast kept of small discs, in %: 100 is best", KEPT_READINGS, kept),
        Topic("False detections, discs made of noise: 0 is best", FALSE_READINGS, invented),
    )


def _grids(
    findings: Sequence[Finding], measure: str, words: str, best: float, scale: float, digits: int
) -> tuple[Grid, ...]:
    chosen = [one for one in findings if one.measure == measure]
    grids = []
    for modality, title in MODALITIES.items():
        here = [one for one in chosen if one.modality == modality]
        kinds = list(dict.fromkeys((one.diameter, one.cnr) for one in here))
        columns = [Column(f"{size} px", f"{words} {cnr:g}", digits, best, marked=False) for size, cnr in kinds]
        values: dict[tuple[str, str], list[list[float]]] = {}
        for one in here:
            row = values.setdefault((one.method, one.mode), [[] for _ in kinds])
            row[kinds.index((one.diameter, one.cnr))] += [] if math.isnan(one.value) else [scale * one.value]
        if values:
            grids.append(make_grid(title, columns, values))
    return tuple(grids)
