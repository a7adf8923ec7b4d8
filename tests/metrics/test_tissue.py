"""Bias of tissues, on phantoms whose tissues are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from monai_gan_denoise import phantoms
from monai_gan_denoise.metrics import TISSUES, tissue_bias

FAT, SOFT = -100.0, 50.0


def two_tissues() -> np.ndarray:
    return np.where(np.arange(60) < 30, FAT, SOFT) * np.ones((40, 1))


def test_a_shift_of_one_tissue_is_its_bias_and_no_others() -> None:
    clean = two_tissues()
    assert tissue_bias(clean, clean - 7.0 * (clean == FAT)) == {"fat": -7.0, "soft_tissue": 0.0}


def test_what_lies_within_three_pixels_of_a_border_does_not_count() -> None:
    clean = two_tissues()
    for distance, counted in ((3, False), (4, True)):
        output = clean.copy()
        output[:, 30 - distance] += 10  # the border lies between columns 29 and 30
        assert (tissue_bias(clean, output)["fat"] > 0) == counted


def test_zero_mean_noise_has_no_bias_but_that_of_its_average() -> None:
    clean = 3000 * phantoms.abdomen() - 1024
    noise = np.random.default_rng(1).normal(0, 40, clean.shape)
    bias = tissue_bias(clean, clean + noise)
    assert set(bias) == {"fat", "soft_tissue", "lung"}  # gas of the bowel counts as lung; the bone is thin
    for tissue, value in bias.items():
        low, high = TISSUES[tissue]
        pixels = np.sum((clean >= low) & (clean <= high))
        assert abs(value) < 4 * 40 / np.sqrt(pixels / 4)


def test_slices_are_pooled_and_eroded_each_in_its_plane() -> None:
    clean = two_tissues()
    stack, output = np.stack([clean, clean]), np.stack([clean + 2, clean + 4])
    assert tissue_bias(stack, output) == {"fat": pytest.approx(3), "soft_tissue": pytest.approx(3)}


def test_tissues_do_not_overlap() -> None:
    bounds = sorted(TISSUES.values())
    assert all(high < low for (_, high), (low, _) in pairwise(bounds))
