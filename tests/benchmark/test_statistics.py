"""Statistics, against NumPy's and SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monai_gan_denoise.benchmark.report.statistics import bootstrap_interval, describe

VALUES = np.random.default_rng(13).normal(30, 2, 24)
PATIENTS = [str(number // 4) for number in range(24)]
IMAGES = [str(number) for number in range(24)]


def test_mean_spread_and_percentile_are_numpys() -> None:
    found = describe(VALUES.tolist(), IMAGES)
    assert found["mean"] == pytest.approx(np.mean(VALUES))
    assert found["std"] == pytest.approx(np.std(VALUES, ddof=1))
    assert found["p5"] == pytest.approx(np.percentile(VALUES, 5))


def test_the_interval_over_images_is_scipys() -> None:
    expected = stats.bootstrap((VALUES,), np.mean, method="percentile", rng=np.random.default_rng(1))
    found = bootstrap_interval(VALUES, IMAGES)
    assert found == pytest.approx(list(expected.confidence_interval), abs=0.15)


def test_images_of_one_patient_are_drawn_together() -> None:
    clustered = np.repeat(VALUES[::4], 4)
    by_patient, by_image = bootstrap_interval(clustered, PATIENTS), bootstrap_interval(clustered, IMAGES)
    expected = stats.bootstrap((VALUES[::4],), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert by_patient == pytest.approx(list(expected.confidence_interval), abs=0.2)
    assert by_patient is not None
    assert by_image is not None
    assert by_patient[1] - by_patient[0] > 1.5 * (by_image[1] - by_image[0])


def test_one_patient_has_no_interval() -> None:
    assert bootstrap_interval(VALUES, ["one"] * 24) is None


def test_one_image_has_no_spread() -> None:
    assert describe([30.0], ["one"]) == {"mean": 30.0, "std": None, "p5": 30.0, "ci": None}


def test_an_infinite_figure_has_no_mean() -> None:
    assert set(describe([30.0, np.inf], ["one", "two"]).values()) == {None}
