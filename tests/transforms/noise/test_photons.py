"""Claims about noise of counted photons and of their read-out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator

from monai_gan_denoise.transforms.noise import LAWS, add_poisson_gaussian_noise

SIGNALS = np.linspace(0.05, 1.0, 8)
GAIN, READOUT = 0.02, 0.05


def flat(signal: float, rng: Generator, offset: float = 0.0) -> np.ndarray:
    image = torch.full((400, 400), float(signal), dtype=torch.float64)
    return add_poisson_gaussian_noise(image, GAIN, READOUT, rng, offset).numpy().ravel()


@pytest.mark.parametrize("offset", [0.0, 0.03])
def test_mean_is_the_signal_and_variance_linear_in_it(offset: float, rng: Generator) -> None:
    draws = [flat(signal, rng, offset) for signal in SIGNALS]
    np.testing.assert_allclose([draw.mean() for draw in draws], SIGNALS, rtol=0.02)
    variances = [draw.var() for draw in draws]
    np.testing.assert_allclose(variances, GAIN * (SIGNALS - offset) + READOUT**2, rtol=0.02)
    line = stats.linregress(SIGNALS, variances)
    assert line.slope == pytest.approx(GAIN, rel=0.02)
    assert line.rvalue > 0.999


def test_distribution_is_photons_spread_by_the_read_out(rng: Generator) -> None:
    photons = np.arange(60)
    weights = stats.poisson(0.3 / GAIN).pmf(photons)

    def cumulative(values: np.ndarray) -> np.ndarray:
        return stats.norm.cdf(values[:, None], GAIN * photons, READOUT) @ weights

    assert stats.kstest(flat(0.3, rng), cumulative).pvalue > 0.01


def test_what_emits_no_photons_is_only_read_out(rng: Generator) -> None:
    for signal in (0.0, -0.2):
        assert stats.kstest(flat(signal, rng), stats.norm(signal, READOUT).cdf).pvalue > 0.01


@pytest.mark.parametrize("name", ["poisson", "poisson-gaussian"])
def test_deviation_falls_as_one_over_the_root_of_the_dose(name: str, rng: Generator) -> None:
    image = torch.full((1, 400, 400), 0.5)
    deviation = {dose: LAWS[name](image, dose, rng).std().item() for dose in (1.0, 0.25, 0.1)}
    for dose in (0.25, 0.1):
        assert deviation[dose] * dose**0.5 == pytest.approx(deviation[1.0], rel=0.02)


def test_read_out_noise_is_in_photons_whatever_the_dose(rng: Generator) -> None:
    image = torch.zeros((1, 400, 400))
    for dose in (1.0, 0.1):
        noisy = LAWS["poisson-gaussian"](image, dose, rng, full_counts=500.0, readout=4.0)
        assert noisy.std().item() == pytest.approx(4.0 / (500.0 * dose), rel=0.02)


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_a_gain_that_is_not_positive_is_refused(gain: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"gain must be positive, got {gain:g}"):
        add_poisson_gaussian_noise(torch.zeros(4, 4), gain, 0.1, rng)


def test_a_negative_read_out_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0\.1"):
        add_poisson_gaussian_noise(torch.zeros(4, 4), 0.1, -0.1, rng)
