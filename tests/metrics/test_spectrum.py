"""Spectra, against white noise, waves and SciPy's periodogram."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, signal

from monai_gan_denoise import phantoms
from monai_gan_denoise.metrics import noise_power_spectrum, radial_spectrum, spectrum_distance

DRAWS = np.random.default_rng(3)


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    found = np.mean([radial_spectrum(DRAWS.normal(5, 3, (64, 96))).power for _ in range(40)], axis=0)
    assert found == pytest.approx(np.full(32, 9.0), rel=0.15)


def test_a_wave_peaks_at_its_frequency_in_cycles_a_millimeter() -> None:
    wave = np.sin(2 * np.pi * 0.125 * np.arange(64)) * np.ones((64, 1))
    spectrum = radial_spectrum(wave, spacing=0.5)
    assert spectrum.frequency[np.argmax(spectrum.power)] == pytest.approx(0.25)
    assert spectrum.frequency[-1] == pytest.approx(1.0)  # Nyquist's


def test_power_equals_scipys_periodogram_averaged_over_rings() -> None:
    rows, columns = (DRAWS.normal(size=size) for size in (48, 48))
    rows -= rows.mean()  # of a product of two profiles the mean is that of each
    settings = {"window": "hann", "detrend": False, "return_onesided": False}
    both = [signal.periodogram(line, **settings)[1] for line in (rows, columns)]
    steps = np.rint(48 * np.hypot(*np.meshgrid(np.fft.fftfreq(48), np.fft.fftfreq(48))))
    expected = ndimage.mean(np.outer(*both), steps, np.arange(1, 25))
    assert radial_spectrum(np.outer(rows, columns)).power == pytest.approx(expected)


def test_the_noise_power_of_an_error_integrates_to_its_variance() -> None:
    clean = phantoms.head(96)
    errors = [ndimage.gaussian_filter(DRAWS.normal(0, 1, (96, 96)), 1, mode="wrap") for _ in range(10)]
    spectra = [noise_power_spectrum(clean, clean + error, spacing=0.7) for error in errors]
    frequency, power = spectra[0].frequency, np.mean([spectrum.power for spectrum in spectra], axis=0)
    assert np.sum(power * 2 * np.pi * frequency * frequency[0]) == pytest.approx(np.var(errors), rel=0.05)


def test_equal_images_are_no_distance_apart() -> None:
    assert spectrum_distance(phantoms.head(64), phantoms.head(64)) == 0


def test_a_gain_of_ten_is_a_distance_of_twenty_decibels() -> None:
    clean = DRAWS.normal(size=(64, 64))
    assert spectrum_distance(clean, 10 * clean) == pytest.approx(20)
    assert spectrum_distance(clean, 0.1 * clean + 3) == pytest.approx(20)


def test_blur_and_noise_both_move_the_spectrum_away() -> None:
    clean = phantoms.head(64) + DRAWS.normal(0, 0.01, (64, 64))
    blurred = ndimage.gaussian_filter(clean, 1)
    assert spectrum_distance(clean, blurred) > 5
    assert spectrum_distance(clean, clean + DRAWS.normal(0, 0.3, (64, 64))) > 5


def test_an_output_without_any_power_is_finitely_far() -> None:
    assert 50 < spectrum_distance(DRAWS.normal(size=(64, 64)), np.zeros((64, 64))) <= 120


def test_a_constant_reference_has_no_spectrum_to_be_far_from() -> None:
    assert math.isnan(spectrum_distance(np.full((32, 32), 2.0), np.zeros((32, 32))))
