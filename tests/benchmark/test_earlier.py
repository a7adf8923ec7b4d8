"""Figures taken from an earlier run, and the refusal of a run of other images, noise or protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_gan_denoise.benchmark import run_benchmark
from monai_gan_denoise.benchmark.earlier import read_earlier
from monai_gan_denoise.benchmark.methods import BLIND, ORACLE, SHIPPED, Method, find_method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.report.html_page import write_page
from monai_gan_denoise.benchmark.report.markdown_page import best_peer
from monai_gan_denoise.cli import main
from monai_gan_denoise.networks.weights import fidelity_file

CELLS = ("us/gaussian/25", "us/clean", "xr/impulse/0.1")
PEERS = ("median", "gaussian")
Content = dict[str, Any]


@pytest.fixture(autouse=True)
def tables_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Figures and examples have tests of their own."""
    for name in ("time_methods", "choose_examples"):
        monkeypatch.setattr(f"monai_gan_denoise.benchmark.run.{name}", lambda *_: [])
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.harm_tasks", lambda *_: [])
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.write_page", lambda *_: None)
    find_method.cache_clear()
    yield
    find_method.cache_clear()


@pytest.fixture(autouse=True)
def ours_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours costs nothing here, and what it gives hangs on its weights."""

    def pipeline(name: str, weights: Path, network: object = None) -> Method:
        share = 0.9 if weights == fidelity_file(SHIPPED) else 0.8

        def outputs(exposure: Exposure) -> Iterator[tuple[str, Any]]:
            yield BLIND, np.float32(share) * exposure.noisy

        return Method(name, f"share {share}", outputs)

    monkeypatch.setattr("monai_gan_denoise.benchmark.methods._pipeline", pipeline)


@pytest.fixture
def earlier(data: Path, tmp_path: Path) -> Path:
    """The results.json of a run of ours and two peers."""
    assert run_benchmark(data, tmp_path / "then", methods=["ours", *PEERS], cells=CELLS, jobs=1) == 0
    return tmp_path / "then" / "results.json"


def rewrite(path: Path, change: Callable[[Content], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def now(data: Path, earlier: Path, output: Path, **settings: Any) -> Content:
    chosen = {"methods": ["tv"], "cells": CELLS, "jobs": 1, **settings}
    assert run_benchmark(data, output, peers_from=earlier, **chosen) == 0
    content: Content = json.loads((output / "results.json").read_text())
    return content


def now_alone(data: Path, output: Path, **settings: Any) -> Content:
    assert run_benchmark(data, output, cells=CELLS, jobs=1, **settings) == 0
    content: Content = json.loads((output / "results.json").read_text())
    return content


def entries(content: Content, method: str) -> list[Content]:
    return [entry for entry in content["cells"] if entry["method"] == method]


def test_figures_of_peers_are_those_of_the_earlier_file(data: Path, earlier: Path, tmp_path: Path) -> None:
    then, found = json.loads(earlier.read_text()), now(data, earlier, tmp_path / "now")
    for name in ("noisy", "ours", *PEERS):
        assert entries(found, name) == entries(then, name)
    new = [one for one in found["overall"] if one["method"] == "tv"]
    assert len(new) == 2
    for one in then["overall"]:
        (same,) = (
            other for other in found["overall"] if (other["method"], other["mode"]) == (one["method"], one["mode"])
        )
        assert same["score"] == pytest.approx(one["score"], rel=1e-6)


def test_the_results_tell_what_was_taken_and_from_where(data: Path, earlier: Path, tmp_path: Path) -> None:
    then, found = json.loads(earlier.read_text()), now(data, earlier, tmp_path / "now")
    digest = hashlib.sha256(earlier.read_bytes()).hexdigest()
    assert found["taken"]["methods"] == ["ours", *PEERS]
    assert found["taken"]["from"] == {"version": then["version"], "sha256": digest}
    for name in PEERS:
        assert found["methods"][name] == then["methods"][name]
    text = (tmp_path / "now" / "report.md").read_text()
    assert "Figures of ours, median, gaussian were taken from an earlier run on the same images and noise" in text
    assert digest[:12] in text


def test_the_page_shows_what_was_taken_and_says_so(
    data: Path, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.write_page", write_page)
    found = now(data, earlier, tmp_path / "now", cells=CELLS[:1])
    text = (tmp_path / "now" / "report.html").read_text()
    assert "Figures of ours, median, gaussian were taken from an earlier run" in text
    for entry in entries(found, "median"):
        assert f"{entry['psnr']['mean']:.2f}" in text


def test_what_has_changed_since_is_named(data: Path, earlier: Path, tmp_path: Path) -> None:
    rewrite(earlier, lambda content: content["methods"].update(median="median of another release"))
    found = now(data, earlier, tmp_path / "now")
    assert found["taken"]["changed"] == ["median"]
    assert "Changed since then: median." in (tmp_path / "now" / "report.md").read_text()


def test_a_run_of_its_own_takes_nothing(earlier: Path) -> None:
    assert "taken" not in json.loads(earlier.read_text())
    assert "earlier run" not in (earlier.parent / "report.md").read_text()


def test_ours_measured_anew_replaces_the_earlier_ours(data: Path, earlier: Path, tmp_path: Path) -> None:
    then = json.loads(earlier.read_text())
    found = now(data, earlier, tmp_path / "now", methods=["ours"], weights=tmp_path / "new.pt")
    alone = now_alone(data, tmp_path / "alone", methods=["ours"], weights=tmp_path / "new.pt")
    assert entries(found, "ours") == entries(alone, "ours") != entries(then, "ours")
    assert found["methods"]["ours"] == alone["methods"]["ours"] != then["methods"]["ours"]
    assert found["taken"]["methods"] == list(PEERS)


def test_the_tables_are_those_of_a_run_of_all_methods(data: Path, earlier: Path, tmp_path: Path) -> None:
    now(data, earlier, tmp_path / "now", methods=["ours"])
    then, found = ((folder / "report.md").read_text().splitlines() for folder in (earlier.parent, tmp_path / "now"))
    tables, again = (
        [line for line in lines[: lines.index("## What PSNR hides")] if line.startswith(("| ", "Ours, blind"))]
        for lines in (then, found)
    )
    assert len(tables) > len(CELLS)
    assert sorted(again) == sorted(tables)


def test_cells_that_are_not_measured_are_left_out(data: Path, earlier: Path, tmp_path: Path) -> None:
    found = now(data, earlier, tmp_path / "now", cells=CELLS[:1])
    assert {entry["modality"] for entry in found["cells"]} == {"us"}
    assert len(entries(found, "median")) == 2


def test_taken_methods_that_can_run_are_timed(
    data: Path, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(earlier, lambda content: content["methods"].update({"somewhere/net.onnx": "a file that is gone"}))
    timed: list[str] = []
    monkeypatch.setattr("monai_gan_denoise.benchmark.run.time_methods", lambda names, *_: timed.extend(names) or [])
    now(data, earlier, tmp_path / "now")
    assert timed == ["noisy", "tv", "ours", *PEERS]


def test_a_psnr_without_bound_is_that_of_equal_images(earlier: Path) -> None:
    found = [one for one in read_earlier(earlier).groups if one.cell == "us/clean/0"]
    best = best_peer(found, ORACLE)
    (noisy,) = (one for one in found if one.method == "noisy")
    assert noisy.mean("psnr") == float("inf")
    assert best is not None
    assert best.images == noisy.images


@pytest.mark.parametrize(("name", "value"), [("version", 2), ("seed", 7), ("crop", 128)])
def test_another_protocol_is_refused_by_name(
    name: str, value: int, data: Path, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(earlier, lambda content: content["protocol"].update({name: value}))
    monkeypatch.setattr("monai_gan_denoise.benchmark.run._run", lambda *_: pytest.fail("measured before the refusal"))
    with pytest.raises(ValueError, match=rf"peers_from must have the protocol's {name} \d+, got {value} in .*results"):
        now(data, earlier, tmp_path / "now")


def test_other_noise_is_refused_by_the_first_cell_that_differs(data: Path, earlier: Path, tmp_path: Path) -> None:
    def change(content: Content) -> None:
        for entry in entries(content, "noisy"):
            if entry["law"] == "gaussian":
                entry["psnr"]["mean"] *= 1.001

    rewrite(earlier, change)
    with pytest.raises(ValueError, match=r"same images and noise .* have psnr [\d.]+ in us/gaussian/25, got [\d.]+ in"):
        now(data, earlier, tmp_path / "now")
    assert not (tmp_path / "now" / "results.json").exists()


def test_the_last_bits_of_a_figure_may_differ(data: Path, earlier: Path, tmp_path: Path) -> None:
    def change(content: Content) -> None:
        for entry in entries(content, "noisy"):
            entry["ssim"]["mean"] *= 1.00005

    rewrite(earlier, change)
    now(data, earlier, tmp_path / "now")


def test_fewer_images_are_refused(data: Path, earlier: Path, tmp_path: Path) -> None:
    manifest = data / "manifest.csv"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if not line.startswith("us_2")))
    with pytest.raises(ValueError, match="have images 1 in us/gaussian/25, got 2 in"):
        now(data, earlier, tmp_path / "now", cells=CELLS[:1])


def test_a_cell_that_the_earlier_run_lacks_is_refused(data: Path, earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold every cell of this run, got none named us/gaussian/50 in"):
        now(data, earlier, tmp_path / "now", cells=["us/gaussian/50"])


def test_a_run_that_leaves_nothing_to_take_is_refused(data: Path, earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold methods besides those measured, got"):
        now(data, earlier, tmp_path / "now", methods=[*PEERS, "ours"])


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"cells": [{"modality": "us"}]}', None])
def test_a_file_that_is_no_result_is_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=r"peers_from must be a results\.json of the benchmark, got .*some\.json"):
        read_earlier(path)


def test_the_command_refuses_in_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["--data", str(data), "--methods", "median", "--cells", "us/clean", "--output", str(tmp_path / "now")]
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *choice, "--peers-from", str(tmp_path / "absent.json")])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "peers_from must be a results.json of the benchmark" in line
