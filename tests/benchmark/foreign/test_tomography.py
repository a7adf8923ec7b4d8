"""Few photons: the noise of the filtered back-projection's own formula, streaks along dense paths, no shift."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from monai_gan_denoise.benchmark.foreign.tomography import LOWEST, WIDTH, add_radon_noise

SIZE, PHOTONS = 64, 1e5
ROWS, COLUMNS = (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2) / (SIZE / 2)


def disc(hu: float, height: float = 0.8) -> np.ndarray:
    inside = (ROWS / height) ** 2 + (COLUMNS / 0.8) ** 2 < 1
    image: np.ndarray = (np.where(inside, hu, -1000) - LOWEST) / WIDTH
    return image


def draws(image: np.ndarray, photons: float, count: int = 6, **settings: object) -> np.ndarray:
    return (
        np.array([add_radon_noise(image, photons, default_rng(k), views=90, **settings) for k in range(count)]) - image
    )  # type: ignore[arg-type]


def test_the_clean_slice_is_the_mean() -> None:
    noise = draws(disc(0), PHOTONS)
    middle = noise[:, 16:48, 16:48]
    assert abs(middle.mean()) < 3 * middle.std() / np.sqrt(middle.size)


def test_the_deviation_falls_with_the_root_of_the_photons() -> None:
    few, many = (draws(disc(0), photons, 3).std() for photons in (PHOTONS, 16 * PHOTONS))
    assert few / many == pytest.approx(4, rel=0.05)


def test_the_deviation_is_that_of_the_ramps_integral() -> None:
    air = disc(-1000)
    noise = draws(air, PHOTONS, 3, filter="ramp", spacing=1.0)[:, 16:48, 16:48]
    # Var = pi^2 / (12 views d^2) Var(p), with Var(p) = 1 / photons and d = 1 mm (Kak & Slaney, section 5.3). Linear
    # interpolation between two elements, whose filtered values correlate by -6 / pi^2, leaves 2 / 3 - 2 / pi^2 of it.
    expected = np.sqrt(np.pi**2 / (12 * 90) / PHOTONS * (2 / 3 - 2 / np.pi**2)) / 0.0195 * 1000 / WIDTH
    assert noise.std() == pytest.approx(expected, rel=0.05)


def test_noise_streaks_along_the_dense_axis_of_a_flat_body() -> None:
    noise = draws(disc(200, height=0.25), 300.0, 4, spacing=5.0)[:, 24:40, 16:48]
    along, across = (np.mean(noise * np.roll(noise, 2, axis)) for axis in (2, 1))
    assert along > across + 0.1 * noise.var()


def test_smoother_filters_leave_less() -> None:
    found = [draws(disc(0), PHOTONS, 2, filter=name).std() for name in ("ramp", "shepp-logan", "cosine", "hamming")]
    assert found == sorted(found, reverse=True)


def test_an_oblong_slice_keeps_its_shape_and_its_place() -> None:
    tall = disc(0)[:, 8:56]
    noise = draws(tall, 1e4, 4)
    assert noise.shape[1:] == tall.shape
    assert noise[:, 24:40, 16:32].std() > 1.2 * noise[:, :4, :4].std()


def test_another_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="filter must be one of ramp, shepp-logan, cosine, hamming, got 'hann'"):
        add_radon_noise(disc(0), PHOTONS, default_rng(0), filter="hann")
