"""Radiographs: counts blurred by the transfer, scatter's own noise, and what JPEG leaves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from monai_gan_denoise.benchmark.foreign.radiograph import (
    READOUT,
    add_archived_noise,
    add_scatter_noise,
    add_scintillator_noise,
)

SHAPE = (256, 256)


@pytest.mark.parametrize("level", [0.2, 0.8])
def test_the_scintillator_blurs_the_counts_variance_by_the_mean_square_of_its_transfer(level: float) -> None:
    image = np.full(SHAPE, level)
    noise = add_scintillator_noise(image, 200, default_rng(0)) - image
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    transfer = np.mean((1 + (frequency / 0.2) ** 2) ** -2.0)
    assert noise.var() == pytest.approx(level / 200 * transfer + READOUT**2, rel=0.05)
    assert abs(noise.mean()) < 3 * np.sqrt(level / 200) / 256


def test_the_noise_power_falls_with_the_transfer() -> None:
    noise = add_scintillator_noise(np.ones(SHAPE), 100, default_rng(0)) - 1
    power = np.abs(np.fft.fft2(noise)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    low, half = (power[np.abs(frequency - middle) < 0.02].mean() for middle in (0.03, 0.2))
    assert half / low == pytest.approx(0.25 * (1 + 0.15**2) ** 2, rel=0.15)


def test_scatter_brings_its_own_noise_and_no_mean() -> None:
    image = np.full(SHAPE, 0.5)
    noise = add_scatter_noise(image, 500, default_rng(0), ratio=1.0, gain=0.0) - image
    assert noise.var() == pytest.approx(2 * 0.5 / 500, rel=0.03)
    assert abs(noise.mean()) < 4 * noise.std() / 256


def test_a_dark_place_beside_a_bright_one_is_noisier_than_its_own_counts() -> None:
    image = np.where(np.arange(256) < 128, 0.05, 1.0) * np.ones((256, 1))
    noise = add_scatter_noise(image, 500, default_rng(0), gain=0.0) - image
    assert noise[:, 112:124].var() > 3 * 0.05 / 500


def test_columns_share_a_gain() -> None:
    noise = add_scatter_noise(np.ones(SHAPE), 1e9, default_rng(0), gain=0.03) - 1
    assert noise.mean(0).std() == pytest.approx(0.01, rel=0.2)
    assert noise.std() == pytest.approx(0.03 * np.sqrt(1 + 1 / 9), rel=0.05)


def test_an_archive_keeps_gray_levels_and_the_noises_level() -> None:
    image = np.full(SHAPE, 0.5)
    noisy = add_archived_noise(image, 0.1, default_rng(0), quality=95)
    assert np.allclose(noisy * 255, np.rint(noisy * 255))
    assert (noisy - image).std() == pytest.approx(0.1, rel=0.03)


def test_lower_quality_loses_fine_noise() -> None:
    image = np.full(SHAPE, 0.5)
    fine, coarse = (add_archived_noise(image, 0.02, default_rng(0), quality=quality).std() for quality in (95, 30))
    assert coarse < 0.8 * fine
