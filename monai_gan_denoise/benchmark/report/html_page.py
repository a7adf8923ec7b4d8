"""The results as one page for people, report.html, and its figures as files; the page needs nothing outside itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_gan_denoise import __version__
from monai_gan_denoise.benchmark.harm import NO_HARM, Harm
from monai_gan_denoise.benchmark.methods import NOISY, OURS
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.display import Display, display_of
from monai_gan_denoise.benchmark.report.examples import Example
from monai_gan_denoise.benchmark.report.hidden import hidden_topics, untaken
from monai_gan_denoise.benchmark.report.markdown_page import envelope
from monai_gan_denoise.benchmark.report.montage import draw_montage
from monai_gan_denoise.benchmark.report.notation import number
from monai_gan_denoise.benchmark.report.pictures import Picture, colored, gray, save_figure
from monai_gan_denoise.benchmark.report.plots import draw_bars, draw_quality_against_time
from monai_gan_denoise.benchmark.report.sections import Section, Table, overall_table, sections
from monai_gan_denoise.benchmark.report.summary import groups
from monai_gan_denoise.benchmark.structure import UNMEASURED, Structure
from monai_gan_denoise.benchmark.taken import NOTHING_TAKEN, Taken
from monai_gan_denoise.benchmark.timing import Timing
from monai_gan_denoise.io import whole_file

__all__ = ["write_page"]

TEMPLATES = Path(__file__).with_name("templates")
FIGURES = "figures"


@dataclass(frozen=True)
class Comparison:
    """An image before and after, for the slider.

    Attributes:
        example: what it shows.
        display: its scales.
        before: the noisy image.
        after: what may lie beside it: ours, the blind peer that is best on this image, the clean image.
        removed: what ours removed.
        error: what ours left wrong.
    """

    example: Example
    display: Display
    before: Picture
    after: dict[str, Picture]
    removed: Picture
    error: Picture


@dataclass(frozen=True)
class Chapter:
    """What the page shows of a modality.

    Attributes:
        section: its numbers.
        bars: figures of the means.
        comparison: of its median example; None without one.
        montages: of its examples, with their rank.
    """

    section: Section
    bars: list[Picture]
    comparison: Comparison | None
    montages: list[tuple[str, Picture]]


def write_page(
    folder: Path,
    records: Sequence[Record],
    protocol: Protocol,
    skipped: Sequence[str],
    timings: Sequence[Timing],
    examples: Sequence[Example],
    structure: Structure = UNMEASURED,
    harm: Harm = NO_HARM,
    taken: Taken = NOTHING_TAKEN,
) -> None:
    """Write report.html and the folder ``figures``.

    Args:
        folder: which exists.
        records: of the run.
        protocol: of the run.
        skipped: modalities and cells without images.
        timings: of the serial pass.
        examples: images to show.
        structure: of discs, if they were measured.
        harm: of native, uniform and low-contrast images, if the protocol asks for it.
        taken: figures of methods that an earlier run measured.
    """
    (folder / FIGURES).mkdir(exist_ok=True)
    whole = overall_table(records, protocol, taken.groups)
    parts = sections(records, protocol, taken.groups)
    content = {
        "version": __version__,
        "protocol": protocol,
        "verdict": " ".join(envelope(groups(records, taken.groups))).strip(),
        "whole": whole,
        "quality": _quality(folder, whole, timings),
        "timings": timings,
        "by_modality": [table for section in parts for table in (section.means, section.real_pairs) if table],
        "chapters": [_chapter(folder, section, protocol, examples) for section in parts],
        "hidden": hidden_topics(records, structure, harm),
        "untaken": untaken(records, structure, harm),
        "taken": taken.sentence,
        "skipped": skipped,
        "failed": [*_notes(records, failed=True), *structure.failed, *harm.failed],
        "absent": _notes(records, failed=False),
        "noisy": NOISY,
        "ours": OURS,
    }
    with whole_file(folder / "report.html") as partial:
        partial.write_text(fill_template(content), encoding="utf-8")


def fill_template(content: Mapping[str, Any]) -> str:
    """Fill ``templates/page.html``; what is not the template's own is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment.get_template("page.html").render(content)


def _chapter(folder: Path, section: Section, protocol: Protocol, examples: Sequence[Example]) -> Chapter:
    shown = [one for one in examples if one.choice.task.cell.modality == section.modality]
    displays = [display_of(one, protocol) for one in shown]
    montages = []
    for example, display in zip(shown, displays, strict=True):
        path = folder / FIGURES / f"montage_{section.modality}_{example.choice.rank}.png"
        words = f"{section.title}, {example.choice.rank}: noisy, best peers, ours and clean with their residuals"
        montages.append((example.choice.rank, save_figure(draw_montage(example, display), path, words)))
    middle = len(shown) // 2
    comparison = _comparison(shown[middle], displays[middle]) if shown else None
    return Chapter(section, list(_bars(folder, section)), comparison, montages)


def _comparison(example: Example, display: Display) -> Comparison:
    def shade(name: str) -> Picture:
        return gray(display.images[name], display.black, display.white, name)

    *peers, _ = example.outputs  # from low to high PSNR, ours last
    return Comparison(
        example,
        display,
        shade(NOISY),
        {name: shade(name) for name in (OURS, *peers[-1:], "clean")},
        colored(display.removed[OURS], display.removed_limit, "what ours removed"),
        colored(display.errors[OURS], display.error_limit, "what ours left wrong"),
    )


def _bars(folder: Path, section: Section) -> Iterator[Picture]:
    for table, name in ((section.means, "simulated"), (section.real_pairs, "real")):
        if table is not None:
            path = folder / FIGURES / f"bars_{section.modality}_{name}.png"
            title = f"{table.name}: {table.meaning}"
            yield save_figure(draw_bars(table, title), path, f"bars of PSNR and SSIM: {title}")


def _quality(folder: Path, whole: Table | None, timings: Sequence[Timing]) -> Picture | None:
    if whole is None:
        return None
    figure = draw_quality_against_time(whole, timings)
    return save_figure(figure, folder / FIGURES / "quality_against_time.png", "PSNR against processor seconds")


def _notes(records: Sequence[Record], failed: bool) -> list[str]:
    found = (f"{one.cell} {one.method}: {one.note}" for one in records if one.note and one.failed == failed)
    return list(dict.fromkeys(found))
