"""The page as text; in a browser it is tested among the integration tests."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monai_gan_denoise.benchmark import Protocol
from monai_gan_denoise.benchmark.examples import Example, choose_examples, show_example
from monai_gan_denoise.benchmark.page import write_page
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.tables import write_times
from monai_gan_denoise.benchmark.task import Task
from monai_gan_denoise.benchmark.timing import Timing

Measured = tuple[Protocol, list[Task], list[Record]]
TIMINGS = [Timing("ours", 512, 1, 3, 1.25, 80.5), Timing("tv", 512, 1, 3, note="RuntimeError: <b>no</b> luck")]
NASTY = "<script>alert('x')</script>\"&.png"


class Reader(HTMLParser):
    """Gathers tags, addresses and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.words = ""
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.in_cell:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


@pytest.fixture(scope="module")
def examples(measured: Measured) -> list[Example]:
    _, tasks, records = measured
    return [show_example(choice) for choice in choose_examples(records, tasks)]


@pytest.fixture(scope="module")
def folder(measured: Measured, examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page and its figures are."""
    protocol, _, records = measured
    folder = tmp_path_factory.mktemp("page")
    write_page(folder, records, protocol, ("mr", "us/real/measured"), TIMINGS, examples)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Reader:
    return Reader((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_holds_all_that_it_shows(page: Reader) -> None:
    assert page.addresses
    assert all(address.startswith(("#", "data:image/webp;base64,")) for address in page.addresses)
    assert "link" not in page.tags
    assert "iframe" not in page.tags


def test_the_page_forbids_itself_to_ask_for_anything(folder: Path) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', (folder / "report.html").read_text())
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_every_cell_has_a_row_with_its_range_and_the_noisy_image(page: Reader, measured: Measured) -> None:
    _, tasks, records = measured
    for task in tasks:
        (noisy,) = (one for one in records if one.cell == task.cell.name and one.method == "noisy" and not _window(one))
        assert noisy.output is not None
        words = "3000 HU" if task.cell.modality == "ct" else "255 gray levels"
        rows = [
            row for row in page.rows if row[0].startswith(f"{task.cell.law} {task.cell.level} ") and row[1] == words
        ]
        psnr = "∞" if task.cell.law == "clean" else f"{noisy.output.score.psnr:.2f}"
        assert f"{psnr} {noisy.output.score.ssim:.3f}" in [row[3] for row in rows]


def _window(record: Record) -> bool:
    return record.output is not None and record.output.window


def test_what_was_skipped_is_said(page: Reader) -> None:
    assert "Without images, and left out: mr, us/real/measured." in page.words
    assert "us/real/measured: no images; skipped." in page.words


def test_the_page_says_what_it_is_for(page: Reader) -> None:
    assert "Research use only; not a medical device" in page.words
    assert "A quick run" in page.words


def test_scales_of_residuals_are_stated_in_their_unit(page: Reader) -> None:
    assert re.search(r"\+\d[\d.]* HU", page.words)
    assert re.search(r"\+\d[\d.]* gray levels", page.words)


def test_times_are_in_the_table_and_a_reason_where_there_is_none(page: Reader) -> None:
    assert ["ours", "1.250", "80", "512 × 512", "1", "3"] in page.rows  # noqa: RUF001 (as the page writes it)
    assert ["tv", "–", "–", "512 × 512", "1", "3", "RuntimeError: <b>no</b> luck"] in page.rows  # noqa: RUF001


def test_names_and_reasons_are_shown_as_text(measured: Measured, examples: list[Example], tmp_path: Path) -> None:
    protocol, _, records = measured
    renamed = []
    for example in examples:
        task = replace(example.choice.task, source=replace(example.choice.task.source, name=NASTY))
        renamed.append(replace(example, choice=replace(example.choice, task=task)))
    broken = replace(records[-1], output=None, note=f"InputError: in {NASTY}", failed=True)
    write_page(tmp_path, [*records[:-1], broken], protocol, (), TIMINGS, renamed)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert NASTY not in text
    assert text.count("<script>") == 1
    reader = Reader(text)
    assert f"{broken.cell} {broken.method}: InputError: in {NASTY}" in reader.words
    assert "1 measurement failed" in reader.words
    assert f"{NASTY}: the best image" in " ".join(reader.words.split())


def test_the_same_results_give_the_same_page_and_figures(
    folder: Path, measured: Measured, examples: list[Example], tmp_path: Path
) -> None:
    protocol, _, records = measured
    write_page(tmp_path, records, protocol, ("mr", "us/real/measured"), TIMINGS, examples)
    first, second = (sorted(where.rglob("*.*")) for where in (folder, tmp_path))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_figures_are_written_as_files(folder: Path) -> None:
    assert {path.name for path in (folder / "figures").iterdir()} == {
        "bars_ct_simulated.png",
        "bars_us_simulated.png",
        "montage_ct_best.png",
        "montage_ct_worst.png",
        "montage_us_best.png",
        "quality_against_time.png",
    }


def test_without_ours_and_without_simulated_noise_there_is_a_page_still(measured: Measured, tmp_path: Path) -> None:
    protocol, _, records = measured
    kept = [one for one in records if one.method != "ours" and one.law == "clean"]
    write_page(tmp_path, kept, protocol, (), [], [])
    reader = Reader((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Ultrasound" in reader.words
    assert not list((tmp_path / "figures").iterdir())


def test_times_are_a_table_for_programs_too(tmp_path: Path) -> None:
    write_times(tmp_path, TIMINGS)
    with (tmp_path / "times.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first == {
        "method": "ours",
        "side": "512",
        "threads": "1",
        "runs": "3",
        "seconds_per_megapixel": "1.25",
        "peak_memory_mb": "80.5",
        "note": "",
    }
    assert (second["seconds_per_megapixel"], second["note"]) == ("", "RuntimeError: <b>no</b> luck")
