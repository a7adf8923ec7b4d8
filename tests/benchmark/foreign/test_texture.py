"""Noise that neighbors share: its level, its width, its spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from monai_gan_denoise.benchmark.foreign.texture import (
    CUTOFF,
    add_backprojected_noise,
    add_scaled_noise,
    add_smooth_noise,
)

FLAT = np.full((256, 256), 0.5)


def autocorrelation(noise: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    found: np.ndarray = np.fft.ifft2(power).real
    return found / found[0, 0]


@pytest.mark.parametrize("width", [0.7, 1.0])
def test_smooth_noise_has_the_autocorrelation_of_its_kernel(width: float) -> None:
    draws = [add_smooth_noise(FLAT, 0.1, default_rng(seed), width) - FLAT for seed in range(8)]
    assert np.std(draws) == pytest.approx(0.1, rel=0.02)
    assert np.mean([autocorrelation(noise)[0, 2] for noise in draws]) == pytest.approx(
        np.exp(-(2**2) / (4 * width**2)), abs=0.02
    )


def test_scaled_noise_has_its_level_and_no_power_above_the_coarse_grids_frequencies() -> None:
    noise = add_scaled_noise(FLAT, 0.1, default_rng(0), factor=2.0) - FLAT
    assert noise.std() == pytest.approx(0.1)
    power = np.abs(np.fft.fft2(noise)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    assert power[frequency > 0.4].mean() < 0.02 * power[frequency < 0.2].mean()


def test_backprojected_noise_has_the_ramps_power_at_low_frequencies_and_a_peak_between() -> None:
    draws = (add_backprojected_noise(FLAT, 0.1, default_rng(seed)) - FLAT for seed in range(8))
    power = np.mean([np.abs(np.fft.fft2(noise[64:192, 64:192])) ** 2 for noise in draws], axis=0)
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128))

    def around(middle: float) -> float:
        return float(power[np.abs(frequency - middle) < 0.02].mean())

    assert around(CUTOFF / 2) > 3 * around(0.02)
    assert around(CUTOFF / 2) > 3 * around(0.45)
    assert around(0.12) / around(0.06) == pytest.approx(2 * np.exp(-2 * (0.12**2 - 0.06**2) / CUTOFF**2), rel=0.25)


def test_backprojected_noise_is_weaker_at_the_rim() -> None:
    noise = add_backprojected_noise(FLAT, 0.1, default_rng(0)) - FLAT
    assert noise[112:144, 112:144].std() == pytest.approx(0.1, rel=0.15)
    assert noise[:16].std() < 0.75 * noise[112:144].std()
