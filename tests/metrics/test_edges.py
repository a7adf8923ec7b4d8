"""Edges: their distribution, their place and what was removed along them, against closed forms and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, stats

from monai_gan_denoise import phantoms
from monai_gan_denoise.metrics import (
    edge_preservation,
    gradient_histogram_distance,
    gradient_magnitude,
    residual_correlation,
)

DRAWS = np.random.default_rng(5)
HEAD = phantoms.head(96)
NOISE = DRAWS.normal(0, 0.1, HEAD.shape)


def test_the_gradient_of_a_plane_is_its_slope() -> None:
    rows, columns = np.indices((12, 16))
    assert gradient_magnitude(3.0 * rows - 4.0 * columns) == pytest.approx(np.full((12, 16), 5.0))


def test_two_planes_are_as_far_apart_as_their_slopes() -> None:
    rows, _ = np.indices((12, 16))
    assert gradient_histogram_distance(2.0 * rows, 7.0 * rows + 1) == pytest.approx(5)


def test_the_distance_of_gradients_is_the_mean_difference_of_those_sorted() -> None:
    lengths = [np.sort(gradient_magnitude(image), axis=None) for image in (HEAD, HEAD + NOISE)]
    assert gradient_histogram_distance(HEAD, HEAD + NOISE) == pytest.approx(np.mean(np.abs(lengths[1] - lengths[0])))


def test_where_a_gradient_lies_is_not_part_of_the_distance() -> None:
    assert gradient_histogram_distance(HEAD, HEAD[::-1, ::-1]) == pytest.approx(0)


def test_edges_that_stay_have_the_index_1_whatever_gain_and_offset() -> None:
    assert edge_preservation(HEAD, 2 * HEAD + 5) == pytest.approx(1)


def test_the_index_equals_scipys_correlation_of_laplacians() -> None:
    blurred = ndimage.gaussian_filter(HEAD, 1)
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    filtered = [ndimage.convolve(image, kernel) for image in (HEAD, blurred)]
    expected = stats.pearsonr(*(image.ravel() for image in filtered)).statistic
    assert edge_preservation(HEAD, blurred) == pytest.approx(expected)
    assert 0 < expected < 1


def test_an_output_without_edges_has_no_index() -> None:
    assert math.isnan(edge_preservation(HEAD, np.full(HEAD.shape, 0.5)))


def test_white_noise_removed_alone_is_unrelated_to_the_anatomy() -> None:
    assert abs(residual_correlation(HEAD, HEAD, HEAD + NOISE)) < 4 / math.sqrt(HEAD.size)


def test_a_blur_shows_in_what_was_removed() -> None:
    noisy = HEAD + 0.2 * NOISE
    assert residual_correlation(HEAD, ndimage.gaussian_filter(noisy, 1.5), noisy) > 0.5


def test_the_removed_edges_alone_correlate_fully() -> None:
    assert residual_correlation(HEAD, HEAD - 3 * gradient_magnitude(HEAD), HEAD) == pytest.approx(1)


def test_nothing_removed_has_no_correlation() -> None:
    assert math.isnan(residual_correlation(HEAD, HEAD + NOISE, HEAD + NOISE))
