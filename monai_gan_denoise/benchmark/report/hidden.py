"""What PSNR hides, in tables: the measures of acceptance and those of small lesions, and how to read each.

A method has a figure where it has that measure of every image of which any method has it: means over fewer are of other
images, and are never compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from monai_gan_denoise.benchmark.acceptance import SMALLEST
from monai_gan_denoise.benchmark.harm import BLOCK_SHIFT, NO_HARM, Harm
from monai_gan_denoise.benchmark.protocol import CLEAN, REAL
from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.display import MODALITIES
from monai_gan_denoise.benchmark.report.grids import Column, Grid, Topic, make_grid
from monai_gan_denoise.benchmark.report.harm_topics import harm_topics
from monai_gan_denoise.benchmark.report.lesions import lesion_topics
from monai_gan_denoise.benchmark.structure import Structure
from monai_gan_denoise.metrics import TISSUES

__all__ = ["hidden_topics", "untaken"]

TEXTURE: Mapping[str, Column] = {
    "ms_ssim": Column("MS-SSIM", "1 is best", 3, 1),
    "edge_preservation": Column("edges kept", "1 is best", 3, 1),
    "spectrum_distance": Column("spectrum off", "dB, 0 is best", 2, 0),
    "gradient_distance": Column("gradients off", "% of the range per pixel, 0 is best", 2, 0),
    "residual_correlation": Column("anatomy removed", "correlation, 0 is best", 2, 0, signed=True),
}
BIAS: Mapping[str, Column] = {
    f"bias_{tissue}": Column(tissue.replace("_", " "), "HU, 0 is best", 1, 0, signed=True) for tissue in TISSUES
}
TEXTURE_READINGS = {
    "MS-SSIM": "Structure compared at five scales, from fine detail to whole organs. Below the others: shapes changed."
    f" Images of less than {SMALLEST} pixels have none.",
    "Edges kept": "Whether fine borders, such as walls of vessels and trabeculae, lie where the clean image has them. "
    "Low beside a high PSNR: the image was smoothed.",
    "Spectrum off": "How far the grain, from coarse to fine, is from the clean image's. High: noise is left, or fine "
    "texture is gone and the image looks waxy.",
    "Gradients off": "Whether there are as many sharp and as many soft edges as in the clean image, wherever they lie. "
    "High: edges were softened, or made up.",
    "Anatomy removed": "Whether more was taken away where the anatomy has edges. Near 0: it was noise. Above: look for "
    "organs in the map of what was removed. Below: noise was left along edges. Speckle follows the anatomy by itself: "
    "compare methods within a table, not tables. Nothing is removed from the noisy input, which has no figure.",
    "Two figures": "Where a value may lie on both sides of the best, the mean with its sign comes first, then the mean "
    "of the sizes: what is too high in one image and too low in the next cancels in the first alone.",
}
BIAS_READINGS = {
    "Shift": "How far the mean HU of a tissue's inside moved, with its sign first, then the mean size over images, in "
    "which opposite shifts do not cancel. It counts wherever HU are read as a number, as in cysts, adrenal nodules, "
    "emphysema and bone. Tissues are regions of the clean CT by their HU, without their borders.",
}


def hidden_topics(records: Sequence[Record], structure: Structure, harm: Harm = NO_HARM) -> list[Topic]:
    """Gather the tables of all that was measured.

    Args:
        records: of the run, with or without the measures of acceptance.
        structure: of the run; empty if it was not measured.
        harm: of the run; empty if the protocol has none.

    Returns:
        Those that hold anything.
    """
    texture = Topic("Edges and texture, against the clean image", TEXTURE_READINGS, _grids(records, TEXTURE))
    bias = Topic("Shift of tissues in CT, in HU", BIAS_READINGS, _grids(records, BIAS))
    others = (texture, bias, *lesion_topics(structure.findings))
    return [*harm_topics(records, harm), *(topic for topic in others if topic.grids)]


def untaken(records: Sequence[Record], structure: Structure, harm: Harm = NO_HARM) -> str:
    """Say which options take what was not measured; empty if all was."""
    lines = []
    if not any(record.output.measures.keys() - {BLOCK_SHIFT} for record in records if record.output):
        lines.append("--measures: tissue bias, MS-SSIM, edges, texture, anatomy in what was removed")
    if not (structure.findings or structure.failed):
        lines.append("--structure: contrast kept of small discs, false detections")
    options = f"Not measured in this run, and taken by the option {'; by '.join(lines)}." if lines else ""
    return " ".join(part for part in (options, harm.missing and f"References: {harm.missing}") if part)


def _grids(records: Sequence[Record], columns: Mapping[str, Column]) -> tuple[Grid, ...]:
    """Make a table a modality of its simulated noise, and one of its real pairs."""
    parts: Mapping[str, Callable[[Record], bool]] = {
        "simulated noise": lambda one: one.law not in (CLEAN, REAL),
        "real pairs": lambda one: one.law == REAL,
    }
    return tuple(
        grid
        for modality, title in MODALITIES.items()
        for words, suits in parts.items()
        for grid in _grid(
            f"{title}, {words}", [one for one in records if one.modality == modality and suits(one)], columns
        )
    )


def _grid(name: str, records: Sequence[Record], columns: Mapping[str, Column]) -> Iterator[Grid]:
    found: dict[tuple[str, str], dict[str, dict[tuple[str, str], float]]] = {}
    images: dict[str, set[tuple[str, str]]] = {}
    for one in records:
        here = found.setdefault((one.method, one.mode), {measure: {} for measure in columns})
        for measure, value in _values(one.output, columns):
            here[measure][one.cell, one.image] = value
            images.setdefault(measure, set()).add((one.cell, one.image))
    if images:
        measured = [measure for measure in columns if measure in images]
        values = {
            names: [
                list(here[measure].values()) if here[measure].keys() == images[measure] else [] for measure in measured
            ]
            for names, here in found.items()
        }
        count = len(set[tuple[str, str]]().union(*images.values()))
        words = f"{name}: mean over {count} noisy image{'s' * (count > 1)}"
        yield make_grid(words, [columns[measure] for measure in measured], values)


def _values(output: Output | None, columns: Mapping[str, Column]) -> Iterator[tuple[str, float]]:
    """Give the values of the columns; gradients as a share of the range, to be averaged over images in other units."""
    for measure, value in (output.measures if output else {}).items():
        if output and measure in columns:
            yield measure, 100 * value / output.range if measure == "gradient_distance" else value
