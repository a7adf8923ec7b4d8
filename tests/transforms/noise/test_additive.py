"""Claims about Gaussian noise whose level varies in space."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator

from monai_gan_denoise.transforms.noise import add_varying_gaussian_noise, noise_level_map

IMAGES = torch.full((40, 1, 96, 96), 0.4)


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_level_map_is_positive_and_of_mean_square_one(spread: float, rng: Generator) -> None:
    maps = noise_level_map(IMAGES, rng, spread, 4)
    assert maps.min() > 0
    np.testing.assert_allclose(maps.square().mean((-2, -1)), np.ones((40, 1)), rtol=1e-5)


def test_a_spread_of_zero_is_a_constant_level(rng: Generator) -> None:
    torch.testing.assert_close(noise_level_map(IMAGES, rng, 0.0, 4), torch.ones_like(IMAGES))


def test_level_map_is_smooth_but_not_flat(rng: Generator) -> None:
    maps = noise_level_map(IMAGES, rng, 0.3, 4)
    assert maps.diff(dim=-1).abs().max() < 0.15
    assert (maps.amax((-2, -1)) / maps.amin((-2, -1))).median() > 2


def test_varying_noise_has_the_level_overall(rng: Generator) -> None:
    noisy = add_varying_gaussian_noise(IMAGES, 0.1, rng)
    assert noisy.mean().item() == pytest.approx(0.4, rel=0.02)
    assert noisy.std().item() == pytest.approx(0.1, rel=0.02)


def test_varying_noise_follows_its_map(rng: Generator) -> None:
    seed = 5
    image = torch.full((1, 1, 512, 512), 0.4)
    level = noise_level_map(image, Generator().manual_seed(seed), 0.3, 4)
    noise = (add_varying_gaussian_noise(image, 0.1, Generator().manual_seed(seed)) - image) / (0.1 * level)
    for block in noise.unfold(2, 128, 128).unfold(3, 128, 128).reshape(-1, 128, 128):
        assert block.std().item() == pytest.approx(1, rel=0.03)
    assert abs((noise[..., 1:] * noise[..., :-1]).mean().item()) < 0.01


def test_negative_std_and_spread_are_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0\.1"):
        add_varying_gaussian_noise(IMAGES, -0.1, rng)
    with pytest.raises(ValueError, match="spread must be at least 0, got -1"):
        add_varying_gaussian_noise(IMAGES, 0.1, rng, spread=-1.0)
