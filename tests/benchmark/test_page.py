"""The page as text; in a browser it is tested among the integration tests."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monai_gan_denoise.benchmark import Protocol
from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.csv_tables import write_times
from monai_gan_denoise.benchmark.report.examples import Example, choose_examples, show_example
from monai_gan_denoise.benchmark.report.html_page import write_page
from monai_gan_denoise.benchmark.report.markdown_page import write_report
from monai_gan_denoise.benchmark.structure import Finding, Structure
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


def test_the_options_that_show_what_psnr_hides_are_named_where_they_were_not_given(page: Reader) -> None:
    words = " ".join(page.words.split())
    assert "Not measured in this run, and taken by the option --measures: tissue bias" in words
    assert "by --structure: contrast kept" in words


def test_regions_that_shifted_are_shown_of_every_run(page: Reader) -> None:
    words = " ".join(page.words.split())
    assert "Regions shifted: means of 32 x 32 pixels" in words
    assert "over half a level" in words


@pytest.fixture(scope="module")
def harmful(measured: Measured) -> tuple[Protocol, list[Record], Structure]:
    """Records whose median shifts fat by 7 HU under a file's nasty name, and discs of which it keeps a half."""
    protocol, _, records = measured
    shifted = [
        replace(one, method=NASTY if one.method == "median" else one.method, output=_shifted(one)) for one in records
    ]
    kept = [Finding("ct", name, "blind", 3, 0.5, "contrast_kept", 0.5) for name in ("noisy", NASTY)]
    return protocol, shifted, Structure(tuple(kept), (f"ct discs ours: {NASTY}",))


def _shifted(one: Record) -> Output | None:
    shift = {"median": -7.0, "noisy": 1.0}.get(one.method)
    return one.output and replace(one.output, measures={} if shift is None or _window(one) else {"bias_fat": shift})


def test_what_psnr_hides_is_in_the_page_beside_the_noisy_image_as_text(
    harmful: tuple[Protocol, list[Record], Structure], tmp_path: Path
) -> None:
    protocol, records, structure = harmful
    write_page(tmp_path, records, protocol, (), [], [], structure)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    reader = Reader(text)
    assert ["method", "mode", "fat HU, 0 is best"] in reader.rows
    assert ["noisy", "input", "+1.0 / 1.0"] in reader.rows
    assert [NASTY, "blind", "-7.0 / 7.0"] in reader.rows
    assert [NASTY, "blind", "50"] in reader.rows
    assert "Not measured in this run" not in reader.words
    assert f"ct discs ours: {NASTY}" in reader.words
    assert NASTY not in text


def test_the_page_in_markdown_has_the_same_tables(
    harmful: tuple[Protocol, list[Record], Structure], tmp_path: Path
) -> None:
    protocol, records, structure = harmful
    write_report(tmp_path, records, protocol, (), structure)
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("| method | mode | fat, HU, 0 is best |")
    assert lines[start + 1 : start + 3] == ["|---|---|---|", "| noisy | input | +1.0 / 1.0 |"]
    assert f"| {NASTY} | blind | -7.0 / 7.0 |" in lines
    assert "| method | mode | 3 px, CNR 0.5 |" in lines
    assert f"- ct discs ours: {NASTY}" in lines


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
