"""The results as a page for people: report.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from monai_gan_denoise import __version__
from monai_gan_denoise.benchmark.harm import NO_HARM, Harm
from monai_gan_denoise.benchmark.methods import BLIND, INPUT, NOISY, ORACLE, OURS
from monai_gan_denoise.benchmark.peers import PEERS
from monai_gan_denoise.benchmark.protocol import CLEAN, REAL, Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.grids import Grid
from monai_gan_denoise.benchmark.report.hidden import hidden_topics, untaken
from monai_gan_denoise.benchmark.report.notation import NOTHING
from monai_gan_denoise.benchmark.report.summary import Group, groups, overall
from monai_gan_denoise.benchmark.structure import UNMEASURED, Structure
from monai_gan_denoise.benchmark.taken import NOTHING_TAKEN, Taken
from monai_gan_denoise.io import whole_file

__all__ = ["best_peer", "envelope", "find_group", "write_report"]


def write_report(
    folder: Path,
    records: Sequence[Record],
    protocol: Protocol,
    skipped: Sequence[str],
    structure: Structure = UNMEASURED,
    harm: Harm = NO_HARM,
    taken: Taken = NOTHING_TAKEN,
) -> None:
    """Write report.md: every cell with the noisy image, ours, the best blind and the best oracle peer.

    Args:
        folder: which exists.
        records: of the run.
        protocol: of the run.
        skipped: modalities and cells without images.
        structure: of discs, if they were measured.
        harm: of native, uniform and low-contrast images, if the protocol asks for it.
        taken: figures of methods that an earlier run measured.
    """
    found = groups(records, taken.groups)
    lines = [
        "# Benchmark",
        f"monai-gan-denoise {__version__}, protocol {protocol.version}, crops of {protocol.crop} pixels. PSNR in dB "
        "and SSIM, means over the images of a cell; best is highest mean PSNR. *Blind*: the noise is not known. "
        "*Oracle*: the setting of highest PSNR, image by image.",
        *(["", "**A quick run: it shows that all works, and little of how well.**"] if protocol.quick else []),
        *(["", taken.sentence] if taken.sentence else []),
        "",
        *_table(found),
        "",
        *envelope(found),
        *_means(found),
        *_hidden(records, structure, harm),
        *_notes(found, skipped, (*structure.failed, *harm.failed)),
    ]
    with whole_file(folder / "report.md") as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(found: Sequence[Group]) -> Iterator[str]:
    yield "| cell | range | images | noisy | ours | best blind peer | best oracle peer |"
    yield "|---|---|---|---|---|---|---|"
    for cell, window in dict.fromkeys((one.cell, one.window) for one in found):
        here = [one for one in found if (one.cell, one.window) == (cell, window)]
        noisy, ours = find_group(here, NOISY, INPUT), find_group(here, OURS, BLIND)
        images = max((one.images for one in here), default=0)
        cells = (_figures(noisy), _figures(ours), *(_named(best_peer(here, mode)) for mode in (BLIND, ORACLE)))
        yield f"| {cell} | {NOTHING if window is None else f'{window:g}'} | {images} | {' | '.join(cells)} |"


def envelope(found: Sequence[Group]) -> Iterator[str]:
    """Compare ours with the best that any peer reaches when the setting is chosen with the clean image in sight."""
    margins = {}
    for cell in dict.fromkeys(one.cell for one in found):
        here = [one for one in found if one.cell == cell and one.window is None]
        ours, best = find_group(here, OURS, BLIND), best_peer(here, ORACLE)
        if ours and best and ours.complete and cell.split("/")[1] not in (CLEAN, REAL):
            margins[cell] = ours.mean("psnr") - best.mean("psnr")
    if margins:
        worst = min(margins, key=lambda cell: margins[cell])
        above = sum(margin > 0 for margin in margins.values())
        yield (
            f"Ours, blind, is above the best oracle peer in {above} of {len(margins)} cells of simulated noise, by "
            f"{np.mean(list(margins.values())):+.2f} dB on their mean, and {margins[worst]:+.2f} dB in {worst}, "
            "the worst."
        )
        yield ""


def _means(found: Sequence[Group]) -> Iterator[str]:
    yield "## Means over the cells of simulated noise, modalities weighing equally"
    yield "Only of what has a figure in every cell. MSE and RMSE are in units of the range."
    yield ""
    yield "| method | mode | PSNR | SSIM | MSE | RMSE |"
    yield "|---|---|---|---|---|---|"
    for one in overall(found):
        psnr, ssim, mse, rmse = one.score
        yield f"| {one.method} | {one.mode} | {psnr:.2f} | {ssim:.4f} | {mse:.6f} | {rmse:.5f} |"


def _hidden(records: Sequence[Record], structure: Structure, harm: Harm) -> Iterator[str]:
    yield from ("", "## What PSNR hides")
    for topic in hidden_topics(records, structure, harm):
        yield from ("", f"### {topic.title}", "")
        yield from (f"- *{name}*: {words}" for name, words in topic.readings.items())
        for grid in topic.grids:
            yield from ("", f"{grid.name}:", "", *_grid(grid))
    if line := untaken(records, structure, harm):
        yield from ("", line)


def _grid(grid: Grid) -> Iterator[str]:
    yield f"| method | mode | {' | '.join(f'{one.name}, {one.detail}' for one in grid.columns)} |"
    yield f"|---|---|{'---|' * len(grid.columns)}"
    for row in grid.rows:
        texts = (column.text(figure) for column, figure in zip(grid.columns, row.figures, strict=True))
        yield f"| {row.method} | {row.mode} | {' | '.join(texts)} |"


def _notes(found: Sequence[Group], skipped: Sequence[str], failed: Sequence[str]) -> Iterator[str]:
    notes = [f"{one.cell} {one.method}: {one.note}" for one in found if one.note]
    lines = list(dict.fromkeys([*(f"{name}: no images; skipped." for name in skipped), *notes, *failed]))
    if lines:
        yield ""
        yield "## What was not measured"
        yield from (f"- {line}" for line in lines)


def find_group(found: Sequence[Group], method: str, mode: str) -> Group | None:
    """Find a method in a mode among the groups of one cell; None if no image has a score."""
    return next((one for one in found if (one.method, one.mode) == (method, mode) and one.images), None)


def best_peer(found: Sequence[Group], mode: str) -> Group | None:
    """Find the peer of highest mean PSNR among the groups of one cell; None if none has a score of every image."""
    peers = [one for one in found if one.method in PEERS and one.mode == mode and one.images and one.complete]
    return max(peers, key=lambda one: one.mean("psnr"), default=None)


def _figures(one: Group | None) -> str:
    return NOTHING if one is None else f"{one.mean('psnr'):.2f} / {one.mean('ssim'):.3f}"


def _named(one: Group | None) -> str:
    return NOTHING if one is None else f"{_figures(one)} {one.method}"
