"""Claims about the noise of coils that are combined by their sum of squares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator

from monai_gan_denoise.transforms.noise import add_noncentral_chi_noise, add_rician_noise, g_factor_map

STD = 0.15


def flat(signal: float, rng: Generator, coils: int = 4, std: float = STD) -> np.ndarray:
    image = torch.full((400, 400), signal, dtype=torch.float64)
    return add_noncentral_chi_noise(image, std, rng, coils).numpy().ravel()


@pytest.mark.parametrize("coils", [1, 4, 8])
@pytest.mark.parametrize("signal", [0.0, 0.1, 0.8])
def test_second_moment_adds_the_noise_of_every_part_of_every_coil(coils: int, signal: float, rng: Generator) -> None:
    assert (flat(signal, rng, coils) ** 2).mean() == pytest.approx(signal**2 + 2 * coils * STD**2, rel=0.02)


@pytest.mark.parametrize("coils", [1, 4, 8])
def test_without_signal_it_is_chi(coils: int, rng: Generator) -> None:
    draws = flat(0.0, rng, coils)
    assert stats.kstest(draws, stats.chi(2 * coils, scale=STD).cdf).pvalue > 0.01
    assert draws.mean() == pytest.approx(stats.chi(2 * coils, scale=STD).mean(), rel=0.02)
    assert draws.var() == pytest.approx(stats.chi(2 * coils, scale=STD).var(), rel=0.02)


@pytest.mark.parametrize("coils", [1, 4])
@pytest.mark.parametrize("signal", [0.1, 0.4])
def test_its_square_is_noncentral_chi_squared(coils: int, signal: float, rng: Generator) -> None:
    square = (flat(signal, rng, coils) / STD) ** 2
    assert stats.kstest(square, stats.ncx2(2 * coils, (signal / STD) ** 2).cdf).pvalue > 0.01


def test_one_coil_is_rician(rng: Generator) -> None:
    assert stats.kstest(flat(0.2, rng, 1), stats.rice(0.2 / STD, scale=STD).cdf).pvalue > 0.01


def test_rician_noise_without_signal_is_rayleigh_distributed(rng: Generator) -> None:
    draws = add_rician_noise(torch.zeros((400, 400), dtype=torch.float64), STD, rng).numpy().ravel()
    assert stats.kstest(draws, stats.rayleigh(scale=STD).cdf).pvalue > 0.01


def test_g_factor_runs_smoothly_from_one_to_its_peak(rng: Generator) -> None:
    maps = g_factor_map(torch.zeros((20, 1, 96, 96)), 2.5, rng)
    np.testing.assert_allclose(maps.amin((-2, -1)), np.ones((20, 1)), rtol=1e-6)
    np.testing.assert_allclose(maps.amax((-2, -1)), np.full((20, 1), 2.5), rtol=1e-6)
    assert maps.diff(dim=-1).abs().max() < 0.15


def test_g_factor_multiplies_the_noise_where_it_is() -> None:
    image = torch.full((1, 1, 512, 512), 0.3, dtype=torch.float64)
    g_factor = g_factor_map(image, 3.0, Generator().manual_seed(5))
    noisy = add_noncentral_chi_noise(image, STD, Generator().manual_seed(5), g_peak=3.0)
    ratio = noisy.square() / (0.3**2 + 8 * STD**2 * g_factor**2)
    for block in ratio.unfold(2, 128, 128).unfold(3, 128, 128).reshape(-1, 128, 128):
        assert block.mean().item() == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize("g_peak", [1.0, 2.0])
def test_level_zero_returns_the_input_exactly(g_peak: float, rng: Generator) -> None:
    image = torch.rand((2, 1, 32, 32), generator=rng)
    levels = torch.tensor([0.0, STD]).view(2, 1, 1, 1)
    noisy = add_noncentral_chi_noise(image, levels, rng, g_peak=g_peak)
    assert torch.equal(noisy[0], image[0])
    assert not torch.equal(noisy[1], image[1])


@pytest.mark.parametrize("coils", [0, 2.5, -1])
def test_a_number_of_coils_that_is_none_is_refused(coils: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"coils must be a whole number of at least 1, got {coils:g}"):
        add_noncentral_chi_noise(torch.zeros(8, 8), STD, rng, coils)  # type: ignore[arg-type]


@pytest.mark.parametrize("peak", [0.5, math.nan])
def test_a_g_factor_below_one_is_refused(peak: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"g_peak must be at least 1, got {peak:g}"):
        add_noncentral_chi_noise(torch.zeros(1, 8, 8), STD, rng, g_peak=peak)
