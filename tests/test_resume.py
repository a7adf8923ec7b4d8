"""A run that goes on with an earlier one, as users start it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_gan_denoise import Denoiser
from monai_gan_denoise.engines import BeforeAfterFigures, Outcome
from monai_gan_denoise.networks import GanDenoiser

Run = Callable[..., list[Outcome]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A PNG, a NIfTI volume and two series of two CT slices, one of them in a folder of its own."""
    noise = np.random.default_rng(3)
    folder = tmp_path / "in"
    (folder / "series").mkdir(parents=True)
    Image.fromarray(noise.integers(0, 256, (24, 20), np.uint8)).save(folder / "a.png")
    nibabel.save(
        nibabel.Nifti1Image(noise.normal(500, 50, (24, 20, 2)).astype(np.float32), np.eye(4)), folder / "b.nii"
    )
    for place in (folder, folder / "series"):
        uid = generate_uid(entropy_srcs=[place.name])
        for index in range(2):
            dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
            dataset.SeriesInstanceUID = uid
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(
                entropy_srcs=[uid, str(index)]
            )
            dataset.ImagePositionPatient[2] += 5 * index
            dataset.save_as(place / f"{index}.dcm")
    return folder


@pytest.fixture
def run(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Denoise with a network that does nothing; which scans were done, which left out."""
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: noisy.clone())
    denoiser = Denoiser(device="cpu")

    def called(**settings: Any) -> list[Outcome]:
        settings = {"modality": "mr", "resume": True, **settings}
        return list(denoiser.run(source, tmp_path / "out", **settings).outcomes)

    return called


def skipped(outcomes: list[Outcome]) -> list[bool]:
    assert not any(outcome.failure for outcome in outcomes), outcomes
    return [outcome.skipped for outcome in outcomes]


def test_a_run_with_nothing_to_go_on_with_does_all(run: Run) -> None:
    assert skipped(run()) == [False] * 4


def test_what_is_finished_is_left_out(run: Run, tmp_path: Path) -> None:
    run()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*") if path.suffix != ".json"}
    (tmp_path / "out" / "series" / "1.dcm").unlink()
    assert skipped(run()) == [True, True, True, False]  # the series in the folder of its own
    for path, time in before.items():
        assert (path.stat().st_mtime_ns == time) == (path.parent.name != "series"), path


def test_other_settings_do_all_again(run: Run) -> None:
    run()
    assert skipped(run(strength=0.5)) == [False] * 4
    assert skipped(run(strength=0.5)) == [True] * 4
    assert skipped(run(strength=0.5, residual=True)) == [False] * 4


def test_fresh_uids_stay_those_of_the_run_that_is_resumed(run: Run, tmp_path: Path) -> None:
    paths = [tmp_path / "out" / "series" / f"{index}.dcm" for index in range(2)]
    run(new_uids=True)
    before = [pydicom.dcmread(path).SeriesInstanceUID for path in paths]
    paths[0].unlink()
    run(new_uids=True)
    assert [pydicom.dcmread(path).SeriesInstanceUID for path in paths] == before
    run(new_uids=True, resume=False, overwrite=True)
    assert [pydicom.dcmread(path).SeriesInstanceUID for path in paths] != before


def test_without_a_report_results_are_a_strangers(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "out" / "run_report.json").unlink()
    assert all("OUTPUT must not exist" in str(outcome.failure) for outcome in run())
    report = json.loads((tmp_path / "out" / "run_report.json").read_text())
    assert report["counts"] == {"refused": 4}


def test_a_forgotten_resume_costs_nothing(run: Run) -> None:
    run()
    assert all("OUTPUT must not exist" in str(outcome.failure) for outcome in run(resume=False))
    assert skipped(run()) == [True] * 4


def test_a_single_file_reports_where_it_is_told_to(source: Path, tmp_path: Path) -> None:
    denoiser, report = Denoiser(device="cpu"), tmp_path / "report.json"
    settings = {"modality": "us", "strength": 0.0, "report": report, "resume": True}
    (done,) = denoiser.run(source / "a.png", tmp_path / "new" / "b.png", **settings).outcomes
    (again,) = denoiser.run(source / "a.png", tmp_path / "new" / "b.png", **settings).outcomes
    assert (done.skipped, again.skipped) == (False, True)
    assert json.loads(report.read_text())["scans"][0]["outputs"] == ["b.png"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b.png"]
    (denied,) = denoiser.run(source / "a.png", tmp_path / "new" / "b.png", **{**settings, "report": None}).outcomes
    assert "OUTPUT must not exist" in str(denied.failure)


def test_figures_of_the_samples_pass_over_what_is_finished(tmp_path: Path) -> None:
    figures = BeforeAfterFigures(tmp_path, tmp_path)
    figures.pairs, figures.drawn = {}, set()
    figures._draw(type("Engine", (), {"state": type("State", (), {"output": {"image": ["a"], "finished": True}})}))
    assert not figures.drawn


def test_a_series_that_gained_a_slice_is_done_again(run: Run, source: Path) -> None:
    run()
    shutil.copyfile(source / "series" / "1.dcm", source / "series" / "2.dcm")
    dataset = pydicom.dcmread(source / "series" / "2.dcm")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["third"])
    dataset.ImagePositionPatient[2] += 5
    dataset.save_as(source / "series" / "2.dcm")
    assert skipped(run()) == [True, True, True, False]
