"""Discs: their area, the contrast kept by filters of known response, and what looks like them in noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from monai_gan_denoise import phantoms
from monai_gan_denoise.metrics import Disc, contrast_kept, count_detections, disc_profile, disc_response

NOISE = np.random.default_rng(8).normal(0, 1, (128, 128))
every_diameter = pytest.mark.parametrize("diameter", [3, 6, 12, 20])


@every_diameter
def test_a_disc_has_the_area_of_a_circle(diameter: int) -> None:
    profile = disc_profile((64, 64), Disc(31.3, 32.6, diameter))
    assert profile.sum() == pytest.approx(math.pi * diameter**2 / 4, rel=0.05)
    assert (profile.min(), profile.max()) == (0, 1)


@every_diameter
@pytest.mark.parametrize("gain", [0.0, 0.4, 1.0, 1.3])
def test_a_gain_is_the_contrast_kept_whatever_anatomy_and_noise(diameter: int, gain: float) -> None:
    disc, contrast = Disc(60, 50, diameter), 0.2
    without = phantoms.head(128) + 0.1 * NOISE
    inserted = without + gain * contrast * disc_profile(without.shape, disc) + 0.05  # an offset is no contrast
    assert contrast_kept(inserted, without, disc, contrast) == pytest.approx(gain, abs=1e-9)


def test_a_dark_disc_is_kept_as_a_bright_one_is() -> None:
    disc, flat = Disc(30, 30, 8), np.zeros((64, 64))
    assert contrast_kept(-0.3 * disc_profile(flat.shape, disc), flat, disc, -0.3) == pytest.approx(1)


def test_a_blur_keeps_less_of_small_discs() -> None:
    flat = np.zeros((64, 64))
    kept = []
    for diameter in (3, 6, 12, 20):
        disc = Disc(32, 32, diameter)
        kept.append(contrast_kept(ndimage.gaussian_filter(disc_profile(flat.shape, disc), 2), flat, disc, 1.0))
    assert kept == sorted(kept)
    assert kept[0] < 0.35
    assert kept[-1] > 0.8


def test_the_share_is_the_disc_less_its_ring_where_borders_are_hard() -> None:
    disc, difference = Disc(32, 32, 10), np.random.default_rng(2).normal(size=(64, 64))
    rows, columns = np.indices((64, 64))
    distance = np.hypot(rows - 32, columns - 32)
    inside, outside = distance < 4.5, (distance > 5.5) & (distance <= 10)
    flat = np.where(inside, difference[inside].mean(), difference[outside].mean())
    expected = (difference[inside].mean() - difference[outside].mean()) / 2
    border = ~inside & ~outside & (distance <= 10)  # given the values that lie on the fitted line
    flat[border] = difference[outside].mean() + 2 * expected * disc_profile((64, 64), disc)[border]
    assert contrast_kept(flat, np.zeros((64, 64)), disc, 2.0) == pytest.approx(expected)


def test_a_contrast_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="contrast must not be 0"):
        contrast_kept(NOISE, NOISE, Disc(30, 30, 5), 0)


@every_diameter
def test_the_response_at_a_disc_is_its_contrast_and_on_a_constant_nothing(diameter: int) -> None:
    image = 7 + 0.3 * disc_profile((96, 96), Disc(40, 50, diameter))
    response = disc_response(image, diameter)
    assert response[40, 50] == pytest.approx(0.3)
    assert np.unravel_index(np.argmax(response), response.shape) == (40, 50)
    assert response[-1, -1] == pytest.approx(0, abs=1e-9)


def test_discs_above_the_threshold_are_counted_bright_and_dark() -> None:
    image = np.zeros((128, 128))
    for row, column, contrast in ((30, 30, 1.0), (30, 90, -1.0), (90, 60, 0.3)):
        image += contrast * disc_profile(image.shape, Disc(row, column, 8))
    assert [count_detections(image, 8, threshold) for threshold in (1.1, 0.9, 0.29)] == [0, 2, 3]


def test_a_disc_at_the_border_is_left_out() -> None:
    assert count_detections(disc_profile((64, 64), Disc(3, 32, 8)), 8, 0.9) == 0


def test_stronger_noise_makes_more_detections_at_one_threshold() -> None:
    counts = [count_detections(level * NOISE, 5, 0.5) for level in (0.2, 0.5, 1.0)]
    assert counts[0] == 0
    assert counts[0] < counts[1] < counts[2]


def test_a_threshold_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold must be positive, got 0"):
        count_detections(NOISE, 5, 0)
