"""Measures over blocks: shifts that were put there, NumPy's own fit of a plane, noise that was taken in part."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.util import view_as_blocks

from monai_gan_denoise.metrics import block_shift, noise_removal, plane_deviation, quiet_blocks

DRAWS = np.random.default_rng(3)
NOISE = 0.1 * DRAWS.standard_normal((240, 240))
EVERY = np.ones(400, dtype=bool)


def test_the_darkest_block_is_found_whatever_the_others() -> None:
    clean = DRAWS.random((100, 130))
    output = clean + 0.01
    output[32:64, 64:96] -= 0.21
    assert block_shift(clean, output, 0.1) == pytest.approx(2.0)


def test_a_change_of_zero_mean_shifts_nothing() -> None:
    clean = np.zeros((64, 64))
    checkered = np.indices((64, 64)).sum(0) % 2 - 0.5
    assert block_shift(clean, checkered, 0.1) == pytest.approx(0)


def test_white_noise_moves_means_by_its_standard_error() -> None:
    moved = [block_shift(np.zeros((32, 32)), DRAWS.standard_normal((32, 32)), 1.0) for _ in range(400)]
    assert np.mean(moved) == pytest.approx(math.sqrt(2 / math.pi) / 32, rel=0.1)  # of |N(0, 1/32)|


@pytest.mark.parametrize(("side", "level"), [(31, 0.1), (64, 0.0)])
def test_small_images_and_no_noise_have_no_shift(side: int, level: float) -> None:
    assert math.isnan(block_shift(np.zeros((side, 64)), np.ones((side, 64)), level))


def test_the_deviation_about_a_plane_is_that_of_numpys_fit() -> None:
    image = DRAWS.random((24, 36))
    rows, columns = np.indices((12, 12)).reshape(2, -1)
    plane = np.stack([rows, columns, np.ones(144)], axis=1)
    blocks = view_as_blocks(image, (12, 12)).reshape(-1, 144)
    residuals = [np.linalg.lstsq(plane, block, rcond=None)[1][0] for block in blocks]
    assert plane_deviation(image) == pytest.approx(np.sqrt(np.array(residuals) / (144 - 3)))


def test_a_slope_is_no_noise_and_white_noise_keeps_its_level() -> None:
    slope = np.linspace(0, 5, 240)[:, None] + np.linspace(0, 3, 240)
    assert plane_deviation(slope) == pytest.approx(0, abs=1e-9)
    assert np.mean(plane_deviation(slope + NOISE) ** 2) == pytest.approx(0.01, rel=0.02)


def test_quiet_blocks_hold_signal_and_neither_structure_nor_what_is_clipped() -> None:
    image = 0.5 + NOISE
    image[:, :48] = 0.0  # air
    image[:, 48:96] = 0.5  # clipped flat
    image[:, 192:] += np.indices((240, 48)).sum(0) % 6 / 6  # texture
    found = quiet_blocks(image, (0.05, 1.0), 1e-3).reshape(20, 20)
    assert not found[:, :8].any()
    assert not found[:, 16:].any()
    assert found[:, 8:16].sum() == pytest.approx(0.2 * 240, abs=2)


def test_too_few_blocks_with_signal_are_none() -> None:
    assert not quiet_blocks(0.5 + NOISE[:48, :48], (0.05, 1.0), 1e-3).any()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_share_taken_everywhere_is_that_share_and_even(share: float) -> None:
    found = noise_removal(0.5 + NOISE, 0.5 + (1 - share) * NOISE, EVERY)
    assert found == (pytest.approx(share), pytest.approx(0, abs=1e-9), 400)


def test_patches_are_uneven() -> None:
    left = np.where(np.arange(240) < 96, 0.0, 1.0)  # eight columns of blocks smoothed, twelve not
    found = noise_removal(0.5 + NOISE, 0.5 + left * NOISE, EVERY)
    assert found.unevenness == pytest.approx(1)


def test_a_smoothing_filter_removes_what_its_kernels_norm_says() -> None:
    impulse = np.zeros((49, 49))
    impulse[24, 24] = 1
    gain = np.linalg.norm(ndimage.gaussian_filter(impulse, 1.0))
    found = noise_removal(NOISE, ndimage.gaussian_filter(NOISE, 1.0), EVERY)
    assert found.removed == pytest.approx(1 - gain, abs=0.03)
    assert 0 < found.unevenness < 0.2


def test_no_block_gives_no_figure() -> None:
    found = noise_removal(NOISE, NOISE, ~EVERY)
    assert math.isnan(found.removed)
    assert math.isnan(found.unevenness)
    assert found.blocks == 0
