"""Magnitude MR: the moments of the Rice and the non-central chi law, and k-space that is empty outside."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import stats

from monai_gan_denoise.benchmark.foreign.magnitude import add_coil_noise, add_zero_filled_noise

STD = 0.05


@pytest.mark.parametrize("signal", [0.0, 0.1, 0.5])
def test_zero_filled_noise_is_rician_at_every_pixel(signal: float) -> None:
    image = np.full((256, 256), signal)
    apart = add_zero_filled_noise(image, STD, default_rng(0))[::8, ::8].ravel()
    assert stats.kstest(apart, stats.rice(signal / STD, scale=STD).cdf).pvalue > 0.01


def test_zero_filled_noise_has_nothing_outside_the_measured_k_space() -> None:
    bright = np.full((128, 128), 100.0)  # where the magnitude is the real part
    power = np.abs(np.fft.fft2(add_zero_filled_noise(bright, STD, default_rng(0), kept=0.5) - bright)) ** 2
    outside = np.abs(np.fft.fftfreq(128)) > 0.26
    assert power[outside].mean() < 1e-3 * power[~outside][:, ~outside].mean()


def test_all_of_k_space_gives_white_noise() -> None:
    bright = np.full((128, 128), 100.0)
    noise = add_zero_filled_noise(bright, STD, default_rng(0), kept=1.0) - bright
    assert abs(np.mean(noise * np.roll(noise, 1, 0))) < 0.03 * noise.var()


@pytest.mark.parametrize("correlation", [0.0, 0.15])
def test_coils_raise_the_mean_square_by_eight_variances(correlation: float) -> None:
    image = np.full((256, 256), 0.3)
    noisy = add_coil_noise(image, STD, default_rng(0), correlation)
    assert np.mean(noisy**2) == pytest.approx(0.3**2 + 8 * STD**2, rel=0.01)


def test_coils_that_do_not_correlate_follow_the_noncentral_chi_law() -> None:
    noisy = add_coil_noise(np.full((64, 64), 0.1), STD, default_rng(0), correlation=0.0)
    law = stats.ncx2(8, (0.1 / STD) ** 2, scale=STD**2)
    assert stats.kstest(noisy.ravel() ** 2, law.cdf).pvalue > 0.01
