"""Values and scales of what is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_gan_denoise.benchmark import load_protocol
from monai_gan_denoise.benchmark.images import Source
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.report.display import display_of, unit_of
from monai_gan_denoise.benchmark.report.examples import Choice, Example
from monai_gan_denoise.benchmark.task import Task

PROTOCOL = load_protocol()
DRAWS = np.random.default_rng(3)
CLEAN = DRAWS.uniform(0, 1, (32, 40))
NOISY = (CLEAN + DRAWS.normal(0, 0.1, CLEAN.shape)).astype(np.float32)
OUTPUT = CLEAN + DRAWS.normal(0, 0.02, CLEAN.shape)


def example(modality: str, lower: float, width: float, bits: int | None) -> Example:
    task = Task(PROTOCOL.cells[0], Source("a", modality, "a"), PROTOCOL, (), None, Path())
    return Example(Choice("best", task, {}), Exposure(modality, NOISY, CLEAN, lower, width, bits), {"ours": OUTPUT})


def test_values_are_in_the_unit_of_the_modality() -> None:
    found = display_of(example("ct", -1024, 3000, None), PROTOCOL)
    assert found.unit == "HU"
    np.testing.assert_allclose(found.images["clean"], CLEAN * 3000 - 1024)
    np.testing.assert_allclose(found.removed["ours"], 3000 * (NOISY - OUTPUT), atol=1e-9)
    np.testing.assert_allclose(found.removed["clean"], 3000 * (NOISY - CLEAN), atol=1e-9)
    np.testing.assert_allclose(found.errors["ours"], 3000 * (OUTPUT - CLEAN), atol=1e-9)


def test_the_scales_are_percentiles_of_the_residuals() -> None:
    found = display_of(example("us", 0, 255, 8), PROTOCOL)
    removed = np.abs([NOISY - OUTPUT, NOISY - CLEAN])
    assert found.removed_limit == pytest.approx(255 * np.percentile(removed, 99.5))
    assert found.error_limit == pytest.approx(255 * np.percentile(np.abs(OUTPUT - CLEAN), 99.5))


def test_ct_in_hu_is_shown_in_the_window_and_others_by_their_clean_image() -> None:
    ct = display_of(example("ct", -1024, 3000, None), PROTOCOL)
    assert (ct.black, ct.white) == PROTOCOL.windows["ct"][0]
    for modality in ("ct", "us"):
        found = display_of(example(modality, 0, 255, 8), PROTOCOL)
        assert (found.black, found.white) == pytest.approx(tuple(255 * np.percentile(CLEAN, (1, 99.7))))


@pytest.mark.parametrize(
    ("modality", "bits", "unit"),
    [("ct", None, "HU"), ("ct", 8, "gray levels"), ("mr", None, "units"), ("us", 8, "gray levels")],
)
def test_units_are_named(modality: str, bits: int | None, unit: str) -> None:
    assert unit_of(modality, bits) == unit


def test_an_output_without_error_has_a_scale() -> None:
    same = example("us", 0, 255, 8)
    found = display_of(Example(same.choice, same.exposure, {"ours": CLEAN}), PROTOCOL)
    assert found.error_limit == 1
