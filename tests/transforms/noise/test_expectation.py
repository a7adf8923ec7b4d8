"""Claims about the mean of a noisy magnitude."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import LAWS, magnitude_mean

STD = 0.15
RATIOS = torch.cat([torch.linspace(0, 30, 3001), torch.linspace(31, 400, 100)]).double()


def hypergeometric(signal: Tensor, coils: int) -> np.ndarray:
    scale = math.sqrt(2) * math.exp(special.gammaln(coils + 0.5) - special.gammaln(coils))
    return np.asarray(scale * special.hyp1f1(-0.5, coils, -(signal.numpy() ** 2) / 2))


@pytest.mark.parametrize("coils", [1, 2, 4, 8, 32])
def test_mean_is_the_hypergeometric_function(coils: int) -> None:
    expected = STD * hypergeometric(RATIOS, coils)
    np.testing.assert_allclose(magnitude_mean(STD * RATIOS, STD, coils), expected, rtol=5e-6)
    np.testing.assert_allclose(magnitude_mean((STD * RATIOS).float(), STD, coils), expected, rtol=5e-6)


def test_mean_of_one_coil_is_that_of_rice() -> None:
    ratios = RATIOS[RATIOS < 20]
    np.testing.assert_allclose(magnitude_mean(ratios, 1.0), stats.rice.mean(ratios.numpy()), rtol=5e-6)


@pytest.mark.parametrize("coils", [1, 4])
def test_mean_and_second_moment_give_the_variance_of_noncentral_chi(coils: int) -> None:
    signal = 2.0
    mean = float(magnitude_mean(torch.tensor(signal, dtype=torch.float64), 1.0, coils))
    law = stats.ncx2(2 * coils, signal**2)
    assert mean == pytest.approx(law.expect(math.sqrt), rel=1e-5)


def test_images_of_level_zero_are_their_own_mean() -> None:
    images = torch.rand((2, 1, 8, 8))
    images[0, 0, 0, 0] = 0
    means = magnitude_mean(images, torch.tensor([0.0, STD]).view(2, 1, 1, 1))
    assert torch.equal(means[0], images[0])
    assert (means[1] > images[1]).all()


@pytest.mark.parametrize("coils", [0, 1.5])
def test_a_number_of_coils_that_is_none_is_refused(coils: float) -> None:
    with pytest.raises(ValueError, match=f"coils must be a whole number of at least 1, got {coils:g}"):
        magnitude_mean(torch.zeros(2), 1.0, coils)  # type: ignore[arg-type]


def test_a_negative_level_is_refused() -> None:
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        magnitude_mean(torch.zeros(2), -1.0)


MEANS = [("rician", {}), ("nc-chi", {}), ("nc-chi", {"coils": 8, "g_peak": 2.0}), ("kspace", {"partial_fourier": 0.6})]


@pytest.mark.parametrize(("name", "parameters"), MEANS)
@pytest.mark.parametrize("signal", [0.0, 0.1, 0.6])
def test_a_law_knows_the_mean_of_what_it_draws(name: str, parameters: dict[str, Any], signal: float) -> None:
    law, image = LAWS[name], torch.full((1, 1, 600, 600), signal)
    noisy = law.draw(image, STD, Generator().manual_seed(3), **{**law.parameters, **parameters})
    assert law.mean is not None
    mean = law.mean(image, STD, Generator().manual_seed(3), **{**law.parameters, **parameters})
    # Blocks of 100 x 100 of white noise have a standard error of a hundredth of its level; that of kspace's is larger.
    difference = torch.nn.functional.avg_pool2d(noisy - mean, 100)
    assert difference.abs().max() < 0.06 * STD * mean.mean() / magnitude_mean(torch.tensor(signal), STD)
    assert abs(float(difference.mean())) < 0.01 * STD


@pytest.mark.parametrize("name", sorted(LAWS))
def test_only_laws_that_take_a_magnitude_have_a_mean(name: str) -> None:
    assert (LAWS[name].mean is not None) == LAWS[name].magnitude


@pytest.mark.slow  # alone, for its time counts
def test_the_mean_of_a_batch_takes_no_time_that_counts() -> None:
    images, levels = torch.rand((14, 1, 96, 96)), torch.linspace(0, 0.2, 14).view(14, 1, 1, 1)
    magnitude_mean(images, levels, 4)
    start = time.perf_counter()
    magnitude_mean(images, levels, 4)
    assert time.perf_counter() - start < 0.1
