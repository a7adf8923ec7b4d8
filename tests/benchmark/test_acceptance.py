"""Measures of acceptance: what they are, what they leave alone, and their file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from monai_gan_denoise import metrics, phantoms
from monai_gan_denoise.benchmark import run_benchmark
from monai_gan_denoise.benchmark.acceptance import measure
from monai_gan_denoise.benchmark.noisy_image import Exposure

DRAWS = np.random.default_rng(15)


def exposure(modality: str, clean: np.ndarray, lower: float, width: float, bits: int | None) -> Exposure:
    noisy = clean + 0.05 * DRAWS.standard_normal(clean.shape)
    return Exposure(modality, noisy.astype(np.float32), clean, lower, width, bits)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_measures_are_in_the_units_of_the_modality() -> None:
    clean = phantoms.abdomen(192)
    found = measure(exposure("ct", clean, -1024, 3000, None), clean + 6 / 3000)
    assert found["bias_fat"] == pytest.approx(6)
    assert found["bias_soft_tissue"] == pytest.approx(6)
    assert found["gradient_distance"] == pytest.approx(0, abs=1e-9)
    blurred = ndimage.gaussian_filter(clean, 1)
    expected = metrics.gradient_histogram_distance(3000 * clean, 3000 * blurred)
    assert measure(exposure("ct", clean, -1024, 3000, None), blurred)["gradient_distance"] == pytest.approx(expected)


def test_only_ct_in_hu_has_a_bias_of_tissues() -> None:
    clean = phantoms.abdomen(64)
    for modality, bits in (("ct", 8), ("mr", None)):
        assert not [name for name in measure(exposure(modality, clean, 0, 255, bits), clean) if name.startswith("bias")]


def test_a_clean_output_has_the_best_of_all_measures() -> None:
    clean = phantoms.head(192)
    found = measure(exposure("mr", clean, 0, 255, 8), clean)
    assert found["ms_ssim"] == pytest.approx(1, abs=1e-5)
    assert found["edge_preservation"] == pytest.approx(1)
    assert abs(found["residual_correlation"]) < 0.05
    assert (found["spectrum_distance"], found["gradient_distance"]) == (0, 0)


def test_a_small_image_has_no_ms_ssim_and_nothing_removed_no_residual() -> None:
    one = exposure("us", phantoms.sonogram(96), 0, 255, 8)
    assert set(measure(one, one.noisy)) == {"edge_preservation", "spectrum_distance", "gradient_distance"}


def test_the_option_adds_a_file_and_leaves_the_results_as_they_are(data: Path, tmp_path: Path) -> None:
    settings = {"methods": ["median"], "cells": ["us/gaussian/25", "oct/real"], "jobs": 1}
    for name, wanted in (("without", False), ("with", True)):
        assert run_benchmark(data, tmp_path / name, measures=wanted, **settings) == 0
    assert not (tmp_path / "without" / "measures.csv").exists()
    results = [(tmp_path / name / "results.csv").read_bytes() for name in ("without", "with")]
    assert results[0] == results[1]
    found = rows(tmp_path / "with" / "measures.csv")
    assert list(found[0]) == ["modality", "law", "level", "method", "mode", "image", "measure", "value"]
    assert {row["mode"] for row in found} == {"input", "blind", "oracle"}
    assert len([row for row in found if row["measure"] == "edge_preservation"]) == 3 * 3  # images and modes


def test_measures_are_taken_from_the_cache_and_not_from_that_of_a_run_without(data: Path, tmp_path: Path) -> None:
    settings = {"methods": ["median"], "cells": ["us/gaussian/25"], "jobs": 1}
    contents = []
    for wanted in (False, True, True):
        run_benchmark(data, tmp_path / "out", measures=wanted, **settings)
        path = tmp_path / "out" / "measures.csv"
        contents.append(path.read_bytes() if path.exists() else b"")
    assert not contents[0]
    assert contents[1].count(b"\n") > 10
    assert contents[1] == contents[2]
