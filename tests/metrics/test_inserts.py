"""Faint inserts and the grain around them, of filters whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, signal
from skimage.draw import disk

from monai_gan_denoise.metrics import insert_contrast, mean_frequency

TRUTH = np.full((64, 64), 1000.0)
INSERT = np.zeros((64, 64), dtype=bool)
INSERT[disk((30, 34), 5)] = True
TRUTH[INSERT] = 1007


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0, 1.2])
def test_a_share_of_the_contrast_is_that_share_whatever_the_ground(share: float) -> None:
    assert insert_contrast(40 + share * (TRUTH - 1000), TRUTH, INSERT) == pytest.approx(share)


def test_other_inserts_do_not_count() -> None:
    image = TRUTH.copy()
    image[disk((10, 10), 4)] = 1100
    assert insert_contrast(image, TRUTH, INSERT) == pytest.approx(1)


def test_smoothing_takes_contrast_as_numpys_regression_says() -> None:
    smoothed = ndimage.gaussian_filter(TRUTH, 3.0)
    window = (slice(20, 41), slice(24, 45))  # the insert and six pixels around
    slope = np.polyfit(TRUTH[window].ravel(), smoothed[window].ravel(), 1)[0]
    assert insert_contrast(smoothed, TRUTH, INSERT) == pytest.approx(slope)
    assert slope < 0.8


def test_a_truth_without_the_insert_is_refused() -> None:
    with pytest.raises(ValueError, match="truth must have a contrast at the insert, got a constant"):
        insert_contrast(TRUTH, np.ones((64, 64)), INSERT)


def test_white_noise_has_the_mean_frequency_of_the_square() -> None:
    noise = np.random.default_rng(0).standard_normal((40, 48, 48))
    exact = (math.sqrt(2) + math.log(1 + math.sqrt(2))) / 6  # mean distance to the center of the unit square
    assert mean_frequency(noise) == pytest.approx(exact, rel=0.01)


def test_smoothed_noise_has_that_of_its_gaussian_transfer() -> None:
    width = 2.0
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((60, 96, 96)), (0, width, width))
    # A power of exp(-(2 pi f width)^2) in the plane has the mean frequency sqrt(pi) / (4 pi width).
    assert mean_frequency(noise) == pytest.approx(math.sqrt(math.pi) / (4 * math.pi * width), rel=0.02)


def test_a_stripe_has_its_own_frequency_and_what_is_common_is_no_noise() -> None:
    phases = np.arange(8)[:, None, None] / 8 * 2 * math.pi
    stripes = np.sin(2 * math.pi * 6 / 48 * np.arange(48) + phases) * np.ones((1, 48, 1))
    common = signal.windows.hann(48)[:, None] * 100
    assert mean_frequency(stripes + common) == pytest.approx(6 / 48, rel=0.02)


def test_no_noise_has_no_frequency() -> None:
    assert math.isnan(mean_frequency(np.ones((3, 16, 16))))
