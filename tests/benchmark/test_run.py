"""The whole run on small images: its files, its cache, what it says of failures."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark import run_benchmark
from monai_gan_denoise.benchmark.methods import find_method
from monai_gan_denoise.benchmark.peers import PEERS, Peer
from monai_gan_denoise.benchmark.structure import Structure
from monai_gan_denoise.metrics.scores import score

METHODS = ("median", "gaussian")
CELLS = ("us/gaussian/25", "us/clean", "xr/impulse/0.1", "oct/real")


@pytest.fixture(autouse=True)
def fresh_methods() -> Iterator[None]:
    """A test that replaces a peer must not leave it behind, ready for the next."""
    find_method.cache_clear()
    yield
    find_method.cache_clear()


@pytest.fixture(autouse=True)
def tables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times, figures and page have tests of their own."""
    for name in ("time_methods", "choose_examples"):
        monkeypatch.setattr(f"monai_gan_denoise.benchmark.run.{name}", lambda *_: [])
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.write_page", lambda *_: None)
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.harm_tasks", lambda *_: [])


def measure(data: Path, output: Path, **settings: Any) -> list[dict[str, str]]:
    assert run_benchmark(data, output, **{"methods": METHODS, "cells": CELLS, "jobs": 1, **settings}) == 0
    return rows(output)


def rows(output: Path, name: str = "results.csv") -> list[dict[str, str]]:
    with (output / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def replaced(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    peer = PEERS["median"]
    values = {name: getattr(peer, name) for name in Peer.__dataclass_fields__}
    monkeypatch.setattr("monai_gan_denoise.benchmark.methods.PEERS", {**PEERS, "median": Peer(**{**values, **changes})})


def fail(image: np.ndarray, setting: float) -> np.ndarray:
    raise RuntimeError("out of\nluck")


def test_every_image_has_a_row_a_method_and_mode(data: Path, tmp_path: Path) -> None:
    found = measure(data, tmp_path / "out")
    assert list(found[0]) == [
        "modality",
        "law",
        "level",
        "method",
        "mode",
        "image",
        "psnr",
        "ssim",
        "mse",
        "rmse",
        "range",
        "note",
    ]
    modes = ["noisy input", "median blind", "median oracle", "gaussian blind", "gaussian oracle"]
    images = {"us/gaussian/25": 2, "us/clean/0": 1, "xr/impulse/0.1": 2, "oct/real/measured": 1}
    for cell, count in images.items():
        here = [row for row in found if f"{row['modality']}/{row['law']}/{row['level']}" == cell]
        assert [f"{row['method']} {row['mode']}" for row in here] == modes * count
    assert {row["range"] for row in found} == {"255"}


def test_the_noisy_row_of_a_real_pair_is_scored_after_the_gain_was_mapped(data: Path, tmp_path: Path) -> None:
    (noisy,) = measure(data, tmp_path / "out", cells=["oct/real"], methods=["noisy"])
    sides = (np.asarray(Image.open(data / f"oct_{side}.png")) / 255 for side in ("clean", "noisy"))
    clean, seen = sides
    assert float(noisy["psnr"]) > score(clean, seen).psnr + 0.5


def test_the_same_command_without_cache_gives_the_same_results(data: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        measure(data, tmp_path / name)
    assert (tmp_path / "first" / "results.csv").read_bytes() == (tmp_path / "second" / "results.csv").read_bytes()


@pytest.mark.slow
def test_two_processes_give_the_same_results_as_one(data: Path, tmp_path: Path) -> None:
    methods = ("ours", *METHODS)
    for jobs in (1, 2):
        measure(data, tmp_path / str(jobs), jobs=jobs, methods=methods)
    assert (tmp_path / "1" / "results.csv").read_bytes() == (tmp_path / "2" / "results.csv").read_bytes()


def test_finished_cells_are_not_run_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measure(data, tmp_path / "out", cells=["us/gaussian/25"])
    replaced(monkeypatch, denoise=fail)
    find_method.cache_clear()
    assert measure(data, tmp_path / "out", cells=["us/gaussian/25"]) == first


def test_another_image_of_the_same_name_is_not_taken_from_the_cache(data: Path, tmp_path: Path) -> None:
    first = measure(data, tmp_path / "out", cells=["us/gaussian/25"])
    Image.fromarray(np.rint(255 * phantoms.sonogram(64)[::-1]).astype(np.uint8)).save(data / "us_1.png")
    second = measure(data, tmp_path / "out", cells=["us/gaussian/25"])
    changed = {row["image"] for row, before in zip(second, first, strict=True) if row != before}
    assert changed == {"us_1.png"}


def test_an_interrupted_entry_of_the_cache_is_measured_again(data: Path, tmp_path: Path) -> None:
    first = measure(data, tmp_path / "out")
    for path in (tmp_path / "out" / "cache").iterdir():
        path.write_text(path.read_text()[:20])
    assert measure(data, tmp_path / "out") == first


def test_an_entry_of_another_version_of_the_cache_is_measured_again(data: Path, tmp_path: Path) -> None:
    first = measure(data, tmp_path / "out", cells=["us/gaussian/25"])
    for path in (tmp_path / "out" / "cache").iterdir():
        path.write_text(json.dumps([{**entry, "seconds": 1.0} for entry in json.loads(path.read_text())]))
    assert measure(data, tmp_path / "out", cells=["us/gaussian/25"]) == first


def test_discs_that_fail_are_said_and_told_by_the_exit_code(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = Structure(failed=("us discs median: out of luck",))
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.measure_structure", lambda *_: failed)
    assert run_benchmark(data, tmp_path, methods=["median"], cells=["us/clean"], structure=True, jobs=1) == 1
    assert failed.failed[0] in [record.message for record in caplog.records]
    assert (tmp_path / "structure.csv").read_text() == "modality,method,mode,diameter,cnr,measure,value\n"
    assert f"- {failed.failed[0]}" in (tmp_path / "report.md").read_text()


def test_a_method_that_fails_says_why_and_the_others_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replaced(monkeypatch, denoise=fail)
    code = run_benchmark(data, tmp_path / "out", methods=METHODS, cells=CELLS, jobs=1)
    assert code == 1
    for row in rows(tmp_path / "out"):
        failed = row["method"] == "median"
        assert (row["psnr"] == "") == failed
        assert row["note"] == ("RuntimeError: out of luck" if failed else "")
    assert "us/gaussian/25 median: RuntimeError: out of luck" in caplog.text
    assert "us/gaussian/25 median: RuntimeError: out of luck" in (tmp_path / "out" / "report.md").read_text()


def test_an_output_of_another_shape_is_a_failure(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, denoise=lambda image, setting: image[1:])
    assert run_benchmark(data, tmp_path / "out", methods=["median"], cells=["us/gaussian/25"], jobs=1) == 1
    notes = {row["note"] for row in rows(tmp_path / "out") if row["method"] == "median"}
    assert notes == {"ValueError: output must have the shape (64, 64), got (63, 64)"}


def test_an_image_that_cannot_be_read_fails_its_cells_only(data: Path, tmp_path: Path) -> None:
    (data / "us_1.png").write_bytes(b"no image")
    assert run_benchmark(data, tmp_path / "out", methods=METHODS, cells=CELLS, jobs=1) == 1
    for row in rows(tmp_path / "out"):
        assert ("us_1.png" in row["note"]) == (row["image"] == "us_1.png")


def test_an_absent_library_is_a_row_that_says_so_and_no_failure(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, module="no_such_module")
    found = measure(data, tmp_path / "out")
    notes = {row["note"] for row in found if row["method"] == "median"}
    assert notes == {"scikit-image is not installed: pip install 'monai-gan-denoise[bench]'"}


def test_a_modality_without_images_is_skipped_with_one_line(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        found = measure(data, tmp_path / "out", cells=["us/gaussian/25", "mr/rician", "us/real"])
    skipped = [message for message in caplog.messages if message.endswith("skipped.")]
    assert skipped == ["mr: no images; skipped.", "us/real/measured: no images; skipped."]
    assert {row["modality"] for row in found} == {"us"}
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["skipped"] == ["mr", "us/real/measured"]
    assert "- mr: no images; skipped." in (tmp_path / "out" / "report.md").read_text()


def test_progress_tells_cells_and_minutes_left(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        measure(data, tmp_path / "out")
    assert "4 of 4 cells: oct/real/measured done; about 0 min left." in caplog.text


def test_no_cell_with_images_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cells must have images, got none"):
        run_benchmark(data, tmp_path / "out", methods=METHODS, cells=["mr"], jobs=1)


def test_results_json_holds_the_means_of_the_rows(data: Path, tmp_path: Path) -> None:
    found = measure(data, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    names = ("modality", "law", "level", "method", "mode")
    for cell in content["cells"]:
        values = [float(row["psnr"]) for row in found if all(row[name] == cell[name] for name in names)]
        assert cell["images"] == len(values)
        if np.isfinite(values).all():
            assert cell["psnr"]["mean"] == pytest.approx(np.mean(values), rel=1e-6)
    assert content["protocol"]["version"] == 3
    (noisy,) = (one for one in content["overall"] if one["method"] == "noisy")
    means = [
        np.mean([float(row["psnr"]) for row in found if row["method"] == "noisy" and row["law"] == law])
        for law in ("gaussian", "impulse")
    ]
    assert noisy["score"]["psnr"] == pytest.approx(np.mean(means), rel=1e-6)


def test_the_earlier_protocol_can_still_be_run(data: Path, tmp_path: Path) -> None:
    found = measure(data, tmp_path / "out", version=2)
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["protocol"]["version"] == 2
    assert {row["image"] for row in found if row["law"] == "clean"} == {"us_1.png", "us_2.png"}
    assert not (tmp_path / "out" / "harm.csv").exists()


def test_ct_is_also_scored_in_the_window_of_soft_tissue(tmp_path: Path) -> None:
    run_benchmark(None, tmp_path / "out", methods=["noisy"], cells=["ct/gaussian/25"], quick=True, jobs=1)
    wide, window = rows(tmp_path / "out")
    assert (wide["range"], window["range"]) == ("3000", "400")
    assert float(window["psnr"]) < float(wide["psnr"])


def test_the_page_names_the_best_peer_of_each_cell(data: Path, tmp_path: Path) -> None:
    found = measure(data, tmp_path / "out", cells=["xr/impulse/0.1"])
    page = (tmp_path / "out" / "report.md").read_text()
    (line,) = (line for line in page.splitlines() if line.startswith("| xr/impulse/0.1 "))
    values = {
        (method, mode): np.mean([float(row["psnr"]) for row in found if (row["method"], row["mode"]) == (method, mode)])
        for method, mode in (("noisy", "input"), ("median", "blind"), ("gaussian", "blind"))
    }
    assert values["median", "blind"] > values["gaussian", "blind"]
    assert f"| {values['noisy', 'input']:.2f} /" in line
    assert f"| {values['median', 'blind']:.2f} /" in line
    assert "median |" in line


def test_the_page_compares_ours_with_the_best_oracle_peer(data: Path, tmp_path: Path) -> None:
    found = measure(data, tmp_path / "out", cells=["us/gaussian/25"], methods=("ours", *METHODS))
    means = {
        (method, mode): np.mean([float(row["psnr"]) for row in found if (row["method"], row["mode"]) == (method, mode)])
        for method, mode in (("ours", "blind"), ("median", "oracle"), ("gaussian", "oracle"))
    }
    margin = means["ours", "blind"] - max(means["median", "oracle"], means["gaussian", "oracle"])
    expected = f"in {int(margin > 0)} of 1 cells of simulated noise, by {margin:+.2f} dB on their mean"
    assert expected in (tmp_path / "out" / "report.md").read_text()
