"""Claims about random fields that vary in space."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Generator

from monai_gan_denoise.transforms.noise.fields import correlated_normal, smooth_map

IMAGES = torch.zeros((60, 1, 96, 80), dtype=torch.float64)


def test_smooth_map_is_about_zero_and_of_unit_scale(rng: Generator) -> None:
    maps = smooth_map(IMAGES.repeat(10, 1, 1, 1), 4, rng)
    assert maps.mean().item() == pytest.approx(0, abs=0.05)
    assert 0.6 < maps.std().item() <= 1.05


def test_smooth_map_varies_over_its_cells_but_not_from_pixel_to_pixel(rng: Generator) -> None:
    maps = smooth_map(IMAGES, 4, rng)
    cell = 80 // 3
    assert maps.diff(dim=-1).std() < 0.1 * maps.std()
    assert (maps[..., cell:] - maps[..., :-cell]).std() > maps.std()


@pytest.mark.parametrize("widths", [(0.0, 0.0), (1.0, 2.5)], ids=["white", "correlated"])
def test_correlated_noise_is_standard_normal_up_to_the_border(widths: tuple[float, float], rng: Generator) -> None:
    noise = correlated_normal(IMAGES.new_zeros((4000, 1, 12, 12)), widths, rng)
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    np.testing.assert_allclose(noise.square().mean((0, 1)), np.ones((12, 12)), rtol=0.12)  # 5 standard errors
    assert noise.square().mean().item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("axis", [-2, -1], ids=["rows", "columns"])
def test_autocorrelation_is_that_of_the_point_spread_function(axis: int, rng: Generator) -> None:
    widths = (1.0, 2.5)
    noise = correlated_normal(IMAGES, widths, rng)
    for lag in range(1, 6):
        size = noise.shape[axis] - lag
        correlation = (noise.narrow(axis, 0, size) * noise.narrow(axis, lag, size)).mean().item()
        assert correlation == pytest.approx(math.exp(-((lag / (2 * widths[axis])) ** 2)), abs=0.02)


def test_a_map_of_one_cell_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="cells must be at least 2, got 1"):
        smooth_map(IMAGES, 1, rng)


def test_a_negative_width_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"width must be at least 0, got -0\.5"):
        correlated_normal(IMAGES, (1.0, -0.5), rng)
