"""Measures of harm, by methods whose answer is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise.benchmark import load_protocol, run_benchmark
from monai_gan_denoise.benchmark.evenness import measure_native, measure_uniform
from monai_gan_denoise.benchmark.harm import Harm, HarmFinding, HarmTask, harm_tasks, measure_harm, write_harm
from monai_gan_denoise.benchmark.images import Source, phantom_sources
from monai_gan_denoise.benchmark.low_contrast import GROUND, measure_low_contrast
from monai_gan_denoise.benchmark.methods import BLIND, INPUT, Method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.references import LowContrast
from monai_gan_denoise.benchmark.report.grids import Grid
from monai_gan_denoise.benchmark.report.harm_topics import harm_topics
from monai_gan_denoise.metrics.scores import Score

PROTOCOL = load_protocol(quick=True)
DRAWS = np.random.default_rng(0)


def method(denoise: Callable[[Exposure], np.ndarray], name: str = "known") -> Method:
    return Method(name, name, lambda exposure: iter([(BLIND, denoise(exposure))]))


def halve(exposure: Exposure) -> np.ndarray:
    """Take half of all that differs from the mean."""
    image = exposure.noisy.astype(float)
    taken: np.ndarray = image - (image - image.mean()) / 2
    return taken


@pytest.fixture
def native(tmp_path: Path) -> Source:
    """A radiograph of nothing but noise."""
    values = np.rint(128 + 12 * DRAWS.standard_normal((96, 96)))
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "x.png")
    return Source("x.png", "xr", "x", (tmp_path / "x.png",))


@pytest.fixture
def phantom(tmp_path: Path) -> LowContrast:
    """A small phantom with the four inserts, ten realizations of white noise of 20 HU."""
    truth = np.full((96, 96), GROUND)
    rows, columns = np.indices(truth.shape)
    for hu, size, row, column in ((14, 4, 14, 14), (7, 7, 14, 78), (5, 10, 78, 14), (3, 14, 78, 78)):
        truth[(rows - row) ** 2 + (columns - column) ** 2 <= (size / 2) ** 2] = GROUND + hu
    files = {"truth": truth[..., None], "fbp": truth[..., None] + 20 * DRAWS.standard_normal((96, 96, 10))}
    for name, values in files.items():
        nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), np.eye(4)), tmp_path / f"{name}.nii.gz")
    return LowContrast(tmp_path / "truth.nii.gz", ((100, tmp_path / "fbp.nii.gz"),))


def found(measures: Iterator[tuple[str, str, str, float]]) -> dict[tuple[str, str], float]:
    return {(measure, subject): value for measure, subject, _, value in measures}


def test_half_of_the_noise_of_a_native_image_is_half_and_even(native: Source) -> None:
    figures = found(measure_native(method(halve), native, PROTOCOL))
    assert figures["noise_removed", "native"] == pytest.approx(0.5, abs=1e-3)
    assert figures["unevenness", "native"] == pytest.approx(0, abs=1e-3)


def test_a_native_image_shows_no_truth_to_an_oracle(native: Source) -> None:
    levels: list[float] = []

    def note(exposure: Exposure) -> np.ndarray:
        levels.append(exposure.level)
        return exposure.noisy

    def outputs(exposure: Exposure) -> Iterator[tuple[str, np.ndarray]]:
        yield BLIND, note(exposure)
        raise AssertionError("an oracle was asked")

    assert set(found(measure_native(Method("peer", "peer", outputs), native, PROTOCOL)).values()) == {0}
    assert levels == [0]


@pytest.mark.parametrize("modality", ["ct", "us"])
def test_who_knows_a_uniform_image_takes_all_of_its_noise(modality: str) -> None:
    figures = found(measure_uniform(method(lambda exposure: exposure.clean), modality, PROTOCOL))
    for kind in ("white", "smooth"):
        assert figures["noise_removed", f"uniform {kind}"] == pytest.approx(1)
        assert figures["unevenness", f"uniform {kind}"] == pytest.approx(0, abs=1e-6)


def test_patches_on_a_uniform_image_are_uneven() -> None:
    def patchy(exposure: Exposure) -> np.ndarray:
        return np.where(np.arange(96) < 48, exposure.noisy, exposure.clean)

    assert found(measure_uniform(method(patchy), "us", PROTOCOL))["unevenness", "uniform white"] == pytest.approx(1)


def test_the_noisy_phantom_keeps_its_contrast_its_noise_and_its_grain(phantom: LowContrast) -> None:
    figures = found(measure_low_contrast(method(lambda exposure: exposure.noisy), phantom, PROTOCOL))
    for (measure, _), value in figures.items():
        assert value == pytest.approx(0 if measure == "frequency_shift" else 1, abs=1e-3)
    assert len(figures) == 6


def test_half_of_everything_is_half_of_the_contrast_with_the_grain_unmoved(phantom: LowContrast) -> None:
    figures = found(measure_low_contrast(method(halve), phantom, PROTOCOL))
    assert figures["insert_contrast", "100 % 7 HU 7 px"] == pytest.approx(0.5, abs=1e-3)
    assert figures["noise_left", "100 %"] == pytest.approx(0.5, abs=1e-3)
    assert figures["frequency_shift", "100 %"] == pytest.approx(0, abs=1e-3)


def test_a_smoothing_takes_the_smallest_insert_first_and_makes_blotches(phantom: LowContrast) -> None:
    from scipy.ndimage import gaussian_filter

    smooth = method(lambda exposure: gaussian_filter(exposure.noisy.astype(float), 1.5))
    figures = found(measure_low_contrast(smooth, phantom, PROTOCOL))
    kept = [value for (measure, _), value in figures.items() if measure == "insert_contrast"]
    assert kept == sorted(kept)
    assert kept[0] < 0.5
    assert figures["frequency_shift", "100 %"] < -0.5


def test_tasks_are_native_images_of_the_files_the_uniform_one_and_cts_phantom(phantom: LowContrast) -> None:
    protocol = replace(PROTOCOL.only(["ct", "us"]), harm_images=2)
    sources = [Source(f"{number}.png", "us", "", (Path(f"{number}.png"),)) for number in range(3)]
    tasks = harm_tasks(["noisy", "ours"], None, protocol, [*sources, *phantom_sources()], phantom)
    named = [(task.modality, task.method, task.image) for task in tasks]
    images = {"ct": ["uniform", "low-contrast phantom"], "us": ["0.png", "1.png", "uniform"]}
    assert named == [
        (modality, name, image) for modality in ("ct", "us") for name in ("noisy", "ours") for image in images[modality]
    ]
    assert harm_tasks(["noisy"], None, replace(protocol, harm_images=0), sources, phantom) == []


def test_a_file_that_cannot_be_read_leaves_its_reason_and_stops_no_other(native: Source) -> None:
    broken = HarmTask("xr", "noisy", None, PROTOCOL, replace(native, name="y.png", files=(Path("absent.png"),)))
    harm = measure_harm([broken, HarmTask("xr", "noisy", None, PROTOCOL, native)], jobs=1)
    (reason,) = harm.failed
    assert reason.startswith("xr harm y.png noisy: ")
    assert {one.image for one in harm.findings} == {"x.png"}


def test_what_is_finished_is_not_measured_again_but_for_another_file(native: Source, tmp_path: Path) -> None:
    task = HarmTask("xr", "noisy", None, PROTOCOL, native, cache=tmp_path / "cache")
    path = task.cache_file("noisy")
    assert path is not None
    assert {one.value for one in measure_harm([task], jobs=1).findings} == {0}
    path.write_text(path.read_text().replace("0.0", "0.5"))
    assert {one.value for one in measure_harm([task], jobs=1).findings} == {0.5}
    Image.fromarray(np.full((96, 96), 7, np.uint8)).save(native.files[0])
    assert task.cache_file("noisy") != path


def record(name: str, mode: str, image: str, shift: float | None, law: str = "gaussian") -> Record:
    measures = {} if shift is None else {"block_shift": shift}
    output = Output(mode, 255, False, Score(30, 0.9, 0.001, 0.03), measures)
    return Record("mr", law, "25", name, mode, image, image, output)


def rows(grid: Grid) -> dict[str, list[float | None]]:
    return {row.method: [figure and figure.mean for figure in row.figures] for row in grid.rows}


def test_the_table_of_shifts_has_the_worst_block_and_how_many_images_are_off() -> None:
    shifts = {"a": (0.1, 0.2), "b": (0.2, 1.4)}
    records = [record("noisy", INPUT, image, both[0]) for image, both in shifts.items()]
    records += [record("known", BLIND, image, both[1]) for image, both in shifts.items()]
    records += [record("partial", BLIND, "a", 0.0), record("known", BLIND, "a", 9.0, law="real")]
    (topic,) = harm_topics(records, Harm())
    (grid,) = topic.grids
    assert rows(grid) == {"noisy": [0.2, 0], "known": [1.4, 50], "partial": [None, None]}


def test_tables_have_a_column_a_subject_and_leave_gaps_where_a_method_has_none() -> None:
    values = {"native": (0.4, 0.2), "uniform white": (0.9, 0.0)}
    findings = [
        HarmFinding(measure, "us", subject, "x", "known", BLIND, value)
        for subject, both in values.items()
        for measure, value in zip(("noise_removed", "unevenness"), both, strict=True)
    ]
    findings += [HarmFinding("unevenness", "us", "uniform white", "x", "other", BLIND, 0.5)]
    (topic,) = harm_topics([], Harm(tuple(findings)))
    (grid,) = topic.grids
    assert rows(grid) == {"known": [40, 0.2, 90, 0], "other": [None, None, None, 0.5]}


def test_the_phantoms_table_is_a_dose_each(phantom: LowContrast) -> None:
    figures = measure_low_contrast(method(halve), phantom, PROTOCOL)
    findings = tuple(HarmFinding(m, "ct", s, "phantom", "known", mode, v) for m, s, mode, v in figures)
    (topic,) = harm_topics([], Harm(findings))
    assert [grid.name for grid in topic.grids] == ["Dose of 100 %"]
    assert rows(topic.grids[0])["known"] == [pytest.approx(50, abs=0.1)] * 5 + [pytest.approx(0, abs=0.1)]


def test_harm_csv_holds_shifts_of_every_cell_and_all_findings(tmp_path: Path) -> None:
    finding = HarmFinding("unevenness", "us", "native", "x", "known", BLIND, 0.25)
    write_harm(tmp_path / "harm.csv", [record("known", BLIND, "a", 0.5)], Harm((finding,)))
    with (tmp_path / "harm.csv").open(newline="") as stream:
        written = [tuple(row.values()) for row in csv.DictReader(stream)]
    assert written == [
        ("block_shift", "mr", "gaussian/25", "a", "known", "blind", "0.5"),
        ("unevenness", "us", "native", "x", "known", "blind", "0.25"),
    ]


@pytest.mark.slow
def test_a_run_measures_harm_by_the_newest_protocol_and_none_by_the_earlier(data: Path, tmp_path: Path) -> None:
    settings = {"methods": ["median"], "cells": ["us/gaussian/25"], "quick": True, "jobs": 1}
    assert run_benchmark(data, tmp_path / "new", **settings) == 0
    measures = {line.split(",")[0] for line in (tmp_path / "new" / "harm.csv").read_text().splitlines()[1:]}
    assert measures == {"block_shift", "noise_removed", "unevenness"}
    assert "volumes and the low-contrast phantom left out" in (tmp_path / "new" / "report.md").read_text()
    assert run_benchmark(data, tmp_path / "old", version=2, **settings) == 0
    assert not (tmp_path / "old" / "harm.csv").exists()
