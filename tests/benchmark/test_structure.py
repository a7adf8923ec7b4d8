"""Inserted discs and false detections, by methods whose answer is known."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from monai_gan_denoise.benchmark import run_benchmark
from monai_gan_denoise.benchmark.methods import BLIND, Method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.protocol import load_protocol
from monai_gan_denoise.benchmark.report.csv_tables import write_structure
from monai_gan_denoise.benchmark.structure import NOISE, measure_structure

PROTOCOL = load_protocol(quick=True)


def method(name: str, denoise: Callable[[Exposure], np.ndarray]) -> Method:
    return Method(name, name, lambda exposure: iter([(BLIND, denoise(exposure))]))


def measured(path: Path, method: Method, *modalities: str) -> dict[tuple[str, str, str], list[float]]:
    write_structure(path, measure_structure([method], PROTOCOL.only(modalities)).findings)
    found: dict[tuple[str, str, str], list[float]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault((row["modality"], row["method"], row["measure"]), []).append(float(row["value"]))
    return found


def test_a_method_that_knows_the_truth_keeps_all_and_invents_nothing(tmp_path: Path) -> None:
    found = measured(tmp_path / "s.csv", method("truth", lambda exposure: exposure.clean), "mr", "ct")
    for modality in ("ct", "mr"):
        kept = found[modality, "truth", "contrast_kept"]
        assert kept == pytest.approx([1.0] * 16)
        assert set(found[modality, "truth", "false_detections"]) == {0}


def test_the_noisy_image_keeps_all_and_shows_many_false_discs(tmp_path: Path) -> None:
    found = measured(tmp_path / "s.csv", method("noisy", lambda exposure: exposure.noisy), "mr")
    assert found["mr", "noisy", "contrast_kept"] == pytest.approx([1.0] * 16, abs=1e-4)
    assert max(found["mr", "noisy", "false_detections"]) > 500


def test_a_linear_filter_keeps_one_share_of_a_size_whatever_its_contrast(tmp_path: Path) -> None:
    blurred = method("blurred", lambda exposure: ndimage.gaussian_filter(exposure.noisy.astype(float), 2))
    kept = np.reshape(measured(tmp_path / "s.csv", blurred, "mr")["mr", "blurred", "contrast_kept"], (4, 4))
    assert np.ptp(kept, axis=1) == pytest.approx(np.zeros(4), abs=0.02)  # a row a diameter
    assert (np.diff(kept[:, 0]) > 0.05).all()


def test_a_method_for_other_modalities_is_left_out(tmp_path: Path) -> None:
    truth = method("truth", lambda exposure: exposure.clean)
    found = measured(tmp_path / "s.csv", replace(truth, modalities=("us",)), "us", "ct")
    assert {modality for modality, _, _ in found} == {"us"}


def test_a_method_that_fails_says_why_and_stops_no_other() -> None:
    def fail(_: Exposure) -> np.ndarray:
        raise RuntimeError("out of\nluck")

    methods = [method("broken", fail), method("truth", lambda exposure: exposure.clean)]
    found = measure_structure(methods, PROTOCOL.only(["ct"]))
    assert found.failed == ("ct discs broken: RuntimeError: out of luck",)
    assert {one.method for one in found.findings} == {"truth"}


def test_the_noise_has_the_level_that_it_is_said_to_have(tmp_path: Path) -> None:
    levels: list[float] = []

    def noted(exposure: Exposure) -> np.ndarray:
        levels.append(exposure.level)
        return exposure.clean

    measured(tmp_path / "s.csv", method("noted", noted), "ct")
    assert levels == pytest.approx([NOISE] * len(levels), rel=0.02)


@pytest.mark.slow
def test_the_option_measures_every_chosen_method_on_the_modalities_of_the_cells(data: Path, tmp_path: Path) -> None:
    settings = {"methods": ["ours", "median"], "cells": ["us/gaussian/25"], "quick": True, "jobs": 1}
    assert run_benchmark(data, tmp_path / "out", structure=True, **settings) == 0
    with (tmp_path / "out" / "structure.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    modes = {(row["modality"], row["method"], row["mode"]) for row in rows}
    expected = {("noisy", "input"), ("ours", "blind"), ("median", "blind"), ("median", "oracle")}
    assert modes == {("us", *one) for one in expected}
