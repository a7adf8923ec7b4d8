"""Claims about the inverse of the mean of a noisy magnitude."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from scipy import optimize, special

from monai_gan_denoise.transforms import remove_magnitude_bias
from monai_gan_denoise.transforms.noise import magnitude_mean

COILS = (1, 2, 4, 8, 16)


def exact_mean(signal: float, coils: int) -> float:
    scale = math.sqrt(2) * math.exp(special.gammaln(coils + 0.5) - special.gammaln(coils))
    return float(scale * special.hyp1f1(-0.5, coils, -(signal**2) / 2))


@pytest.mark.parametrize("coils", COILS)
def test_it_is_the_root_of_the_hypergeometric_mean(coils: int) -> None:
    means = exact_mean(0, coils) * np.array([1.005, 1.05, 1.3, 2.0, 5.0, 20.0])
    roots = [
        optimize.brentq(lambda signal, mean=mean: exact_mean(signal, coils) - mean, 0, mean, xtol=1e-12)
        for mean in means
    ]
    level = 0.07
    found = remove_magnitude_bias(torch.tensor(level * means), level, coils)
    np.testing.assert_allclose(found, level * np.array(roots), rtol=1e-3, atol=1e-3 * level)


@pytest.mark.parametrize("coils", COILS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_takes_the_mean_back(coils: int, dtype: torch.dtype) -> None:
    signal = torch.linspace(0.02, 60, 3000, dtype=torch.float64)
    found = remove_magnitude_bias(magnitude_mean(signal, 1.0, coils).to(dtype), 1.0, coils)
    np.testing.assert_allclose(found, signal, atol=4e-3)
    np.testing.assert_allclose(found[signal > 1], signal[signal > 1], rtol=3e-4)


@pytest.mark.parametrize("coils", COILS)
def test_what_is_not_above_noise_alone_is_nothing(coils: int) -> None:
    floor = exact_mean(0, coils)
    means = torch.tensor([-1.0, 0.0, 0.5 * floor, 0.9999 * floor], dtype=torch.float64)
    assert torch.equal(remove_magnitude_bias(means, 1.0, coils), torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("coils", COILS)
def test_it_grows_with_the_mean_and_changes_it_by_noise_alone_at_most(coils: int) -> None:
    means = torch.linspace(0, 50, 100001, dtype=torch.float64)
    found = remove_magnitude_bias(means, 1.0, coils)
    assert (found.diff() >= 0).all()
    assert (found <= means).all()
    assert (means - found).max() <= exact_mean(0, coils) * 1.0001


def test_each_pixel_has_the_level_of_the_map() -> None:
    signal = torch.full((1, 40, 40), 0.3)
    level = torch.linspace(0.01, 0.2, 1600).reshape(1, 40, 40)
    np.testing.assert_allclose(remove_magnitude_bias(magnitude_mean(signal, level), level), signal, atol=1e-4)


def test_without_noise_only_what_is_negative_changes() -> None:
    means = torch.tensor([-0.1, 0.0, 0.5])
    np.testing.assert_array_equal(remove_magnitude_bias(means, 0.0), [0, 0, np.float32(0.5)])
    np.testing.assert_array_equal(means, np.array([-0.1, 0.0, 0.5], np.float32))


def test_a_negative_level_is_refused() -> None:
    with pytest.raises(ValueError, match="level must be at least 0, got -1"):
        remove_magnitude_bias(torch.zeros(2), -1.0)


@pytest.mark.parametrize("coils", [0, 1.5])
def test_a_number_of_coils_that_is_none_is_refused(coils: float) -> None:
    with pytest.raises(ValueError, match=f"coils must be a whole number of at least 1, got {coils:g}"):
        remove_magnitude_bias(torch.zeros(2), 1.0, coils)  # type: ignore[arg-type]


@pytest.mark.slow  # alone, for its time counts
def test_a_slice_takes_no_time_that_counts() -> None:
    image = torch.rand((512, 512))
    remove_magnitude_bias(image, 0.1)
    start = time.process_time()
    remove_magnitude_bias(image, 0.1)
    assert time.process_time() - start < 0.1
