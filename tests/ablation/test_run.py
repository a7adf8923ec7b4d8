"""Claims about the whole run; what trains is put in place of by a function, but in one test."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from monai_gan_denoise.ablation import ablate as run
from monai_gan_denoise.ablation import run_ablation
from monai_gan_denoise.ablation.trial import Trial
from monai_gan_denoise.scans.errors import InputError

NAMES = ["no-mean", "no-refinement", "white"]
WHOLE = ["recipe", "no-mean", "no-refinement", "simulated", "white"]


class Process:
    """A pool whose one process is this one: it says what ran, and dies of the variants in ``deadly``."""

    ran: Sequence[str] = []
    deadly: Sequence[str] = []

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def submit(self, _: Callable[..., Any], trial: Trial) -> Future[dict[str, float]]:
        future: Future[dict[str, float]] = Future()
        Process.ran = [*Process.ran, trial.folder.name]
        if trial.folder.name in Process.deadly:
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result({"psnr": 30.0, "ssim": 0.9, "seconds": 1.0} | ({"real_psnr": 20.0} if trial.real else {}))
        return future


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> type[Process]:
    monkeypatch.setattr(Process, "ran", [])
    monkeypatch.setattr(Process, "deadly", [])
    monkeypatch.setattr(run, "ProcessPoolExecutor", Process)
    return Process


def figures(output: Path, name: str) -> dict[str, float]:
    content: dict[str, Any] = json.loads((output / name / "result.json").read_text())
    return dict(content["figures"])


def test_one_failure_stops_no_other_and_is_tried_again(data: Path, tmp_path: Path, process: type[Process]) -> None:
    process.deadly = ["no-mean"]
    assert run_ablation(data, tmp_path / "out", only=NAMES) == 1
    assert process.ran == WHOLE
    assert "BrokenProcessPool: killed" in (tmp_path / "out" / "ablation.md").read_text()
    process.ran, process.deadly = [], []
    assert run_ablation(data, tmp_path / "out", only=NAMES) == 0
    assert process.ran == ["no-mean"]
    assert "killed" not in (tmp_path / "out" / "ablation.csv").read_text()


def test_without_the_recipes_weights_its_coarse_estimate_is_not_measured(
    data: Path, tmp_path: Path, process: type[Process]
) -> None:
    process.deadly = ["recipe"]
    assert run_ablation(data, tmp_path / "out", only=["no-refinement"]) == 2
    assert process.ran == ["recipe"]
    assert "recipe failed" in (tmp_path / "out" / "ablation.csv").read_text()


def test_variants_without_pairs_are_measured_on_them(data: Path, tmp_path: Path, process: type[Process]) -> None:
    run_ablation(data, tmp_path / "out", only=NAMES)
    measured = [name for name in WHOLE if "real_psnr" in figures(tmp_path / "out", name)]
    assert measured == ["simulated", "white"]


def test_without_pairs_none_is(data: Path, tmp_path: Path, process: type[Process]) -> None:
    manifest = data / "manifest.csv"
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if "real" not in line))
    run_ablation(data, tmp_path / "out", only=["white"])
    assert "real_psnr" not in figures(tmp_path / "out", "white")


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize("change", [{"iterations": 1000}, {"settings": {"seed": 1}}])
def test_results_of_another_budget_or_recipe_are_never_mixed_in(
    data: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    run_ablation(data, tmp_path / "out", only=["recipe"])
    table = (tmp_path / "out" / "ablation.csv").read_bytes()
    with pytest.raises(ValueError, match=r"--output must hold variants of this recipe, budget and data, got .*recipe"):
        run_ablation(data, tmp_path / "out", only=["no-mean"], **change)
    assert (tmp_path / "out" / "ablation.csv").read_bytes() == table


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize("change", ["added", "replaced", "moved to training", "of another modality"])
def test_results_of_other_images_in_the_same_folder_are_never_mixed_in(data: Path, tmp_path: Path, change: str) -> None:
    (data / "more.png").write_bytes((data / "val.png").read_bytes())
    manifest = data / "manifest.csv"
    manifest.write_text(manifest.read_text() + "more.png,us,val,clean,\n")
    run_ablation(data, tmp_path / "out", only=["recipe"])
    if change == "added":
        (data / "new.png").write_bytes((data / "us.png").read_bytes())
        manifest.write_text(manifest.read_text() + "new.png,us,train,clean,\n")
    elif change == "replaced":
        (data / "val.png").write_bytes((data / "us.png").read_bytes())
    elif change == "moved to training":
        manifest.write_text(manifest.read_text().replace("more.png,us,val", "more.png,us,train"))
    else:
        manifest.write_text(manifest.read_text().replace("us.png,us", "us.png,xr"))
    with pytest.raises(ValueError, match=r"--output must hold variants of this recipe, budget and data, got .*recipe"):
        run_ablation(data, tmp_path / "out", only=["recipe"])


def test_the_same_data_by_another_path_and_what_is_not_read_change_nothing(
    data: Path, tmp_path: Path, process: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ablation(data, tmp_path / "out", only=["recipe"])
    (data / "notes.txt").write_text("not of the data")
    monkeypatch.chdir(tmp_path)
    assert run_ablation(Path("data"), tmp_path / "out", only=["recipe"]) == 0
    assert process.ran == ["recipe"]


def test_data_without_validation_are_refused_before_anything_runs(
    data: Path, tmp_path: Path, process: type[Process]
) -> None:
    manifest = data / "manifest.csv"
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if ",val," not in line))
    with pytest.raises(InputError, match="split must name images, got 'val'"):
        run_ablation(data, tmp_path / "out")
    assert not process.ran
    assert not (tmp_path / "out").exists()


def test_the_tables_keep_what_was_finished_before(data: Path, tmp_path: Path, process: type[Process]) -> None:
    run_ablation(data, tmp_path / "out", only=["no-mean"])
    run_ablation(data, tmp_path / "out", only=["no-level"])
    assert process.ran == ["recipe", "no-mean", "no-level"]
    with (tmp_path / "out" / "ablation.csv").open() as stream:
        assert [row["variant"] for row in csv.DictReader(stream)] == ["recipe", "no-mean", "no-level"]


@pytest.mark.integration
def test_every_variant_runs_in_a_process_of_its_own(data: Path, tmp_path: Path) -> None:
    settings = {"device": "cpu", "images_per_batch": 2, "patches_per_image": 2, "patch_size": 32}
    settings |= {"dead_leaves": {"us": 2}, "content_dir": ""}
    names = ["no-refinement", "single", "white", "dcgan"]
    assert run_ablation(data, tmp_path / "out", iterations=12, only=names, settings=settings) == 0
    measured = {path.parent.name: figures(tmp_path / "out", path.parent.name) for path in tmp_path.rglob("result.json")}
    assert len({result["psnr"] for result in measured.values()}) == len(measured) == 6
    assert {name for name, result in measured.items() if "real_psnr" in result} == {"simulated", "white"}
    assert "Engine run finished" in (tmp_path / "out" / "dcgan" / "run.log").read_text()
