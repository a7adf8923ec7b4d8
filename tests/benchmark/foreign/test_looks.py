"""Speckle of several looks: the moments of the gamma and the Rayleigh law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import special, stats

from monai_gan_denoise.benchmark.foreign.looks import (
    add_compressed_envelope,
    add_linear_looks,
    add_log_looks,
    look_intensity,
)

FLAT = np.full((256, 256), 0.5)


@pytest.mark.parametrize("looks", [1, 4])
def test_intensity_follows_the_gamma_law_of_its_looks(looks: int) -> None:
    intensity = look_intensity((256, 256), looks, default_rng(1), 0.8, 1.6)
    apart = intensity[::8, ::12].ravel()  # what no longer correlates
    assert stats.kstest(apart, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 0.01


def test_intensity_is_wider_along_the_array() -> None:
    centered = look_intensity((256, 256), 1, default_rng(0), 0.8, 1.6) - 1
    down, across = (np.mean(centered * np.roll(centered, 1, axis)) / centered.var() for axis in (0, 1))
    assert down == pytest.approx(math.exp(-1 / (2 * 0.8**2)), abs=0.05)
    assert across == pytest.approx(math.exp(-1 / (2 * 1.6**2)), abs=0.05)


@pytest.mark.parametrize("looks", [1, 4])
def test_compressed_looks_keep_the_mean_and_have_the_trigamma_deviation(looks: int) -> None:
    noise = add_log_looks(FLAT, looks, default_rng(3), 50.0) - FLAT
    expected = 10 / math.log(10) / 50 * math.sqrt(special.polygamma(1, looks))
    assert noise.std() == pytest.approx(expected, rel=0.04)
    assert abs(noise.mean()) < 0.05 * expected


def test_no_echo_has_no_speckle() -> None:
    image = np.where(np.arange(64) < 32, 0.0, 0.5) * np.ones((64, 1))
    assert not add_log_looks(image, 1, default_rng(0))[:, :32].any()


def test_linear_looks_are_relative_to_the_signal() -> None:
    for level in (0.2, 0.8):
        noisy = add_linear_looks(np.full((160, 160), level), 16, default_rng(0))
        assert noisy.mean() == pytest.approx(level, rel=0.01)
        assert noisy.std() == pytest.approx(level / 4, rel=0.05)


def test_the_envelope_is_rayleigh_and_its_power_keeps_the_mean() -> None:
    amplitude = add_compressed_envelope(np.ones((256, 256)), 1.0, default_rng(0)) * special.gamma(1.5)
    assert stats.kstest(amplitude[::12, ::10].ravel(), stats.rayleigh(scale=math.sqrt(0.5)).cdf).pvalue > 0.01
    noisy = add_compressed_envelope(FLAT, 0.3, default_rng(0))
    expected = math.sqrt(special.gamma(1.3) / special.gamma(1.15) ** 2 - 1)
    assert noisy.mean() == pytest.approx(0.5, rel=0.01)
    assert noisy.std() / 0.5 == pytest.approx(expected, rel=0.05)
