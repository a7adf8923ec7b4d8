"""Measures, against scikit-image on the images' own units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import metrics

from monai_gan_denoise.metrics import scores as measures
from monai_gan_denoise.metrics.scores import require_scikit_image, score

DRAWS = np.random.default_rng(12)


@pytest.mark.parametrize(("lower", "upper"), [(0.0, 1.0), (0.0, 255.0), (0.0, 4095.0), (-1024.0, 1976.0)])
def test_measures_equal_scikit_images_on_values_from_the_lower_end(lower: float, upper: float) -> None:
    clean = DRAWS.uniform(lower, upper, (40, 50))
    output = np.clip(clean + 0.1 * (upper - lower) * DRAWS.standard_normal(clean.shape), lower, upper)
    result = score(clean, output, lower, upper)
    x, y, width = clean - lower, output - lower, upper - lower
    assert result.psnr == pytest.approx(metrics.peak_signal_noise_ratio(x, y, data_range=width), abs=1e-6)
    assert result.ssim == pytest.approx(metrics.structural_similarity(x, y, data_range=width), abs=1e-6)
    assert result.mse == pytest.approx(metrics.mean_squared_error(x, y) / width**2, abs=1e-9)
    assert result.rmse == pytest.approx(math.sqrt(metrics.mean_squared_error(x, y)) / width, abs=1e-9)


def test_values_outside_the_range_count_as_its_ends() -> None:
    clean = np.tile(np.linspace(-1, 2, 30), (30, 1))
    far = np.where(clean > 1, clean + 5, np.where(clean < 0, clean - 5, clean))
    assert score(clean, far).mse == 0


def test_equal_images_have_no_error() -> None:
    clean = DRAWS.uniform(size=(20, 20))
    assert score(clean, clean) == (math.inf, 1.0, 0.0, 0.0)


def test_without_scikit_image_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"scikit-image must be installed .*monai-gan-denoise\[bench\]"):
        require_scikit_image()
