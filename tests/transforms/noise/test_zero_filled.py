"""Claims about the noise of zero-filled MR images."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import add_zero_filled_noise

ZERO = torch.zeros((64, 1, 96, 96), dtype=torch.float64)
STD = 0.1


@pytest.mark.parametrize("signal", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("partial", [0.0, 1.0])
def test_moments_are_those_of_rice(signal: float, partial: float, rng: Generator) -> None:
    noisy = add_zero_filled_noise(ZERO + signal, STD, rng, partial=partial)
    law = stats.rice(signal / STD, scale=STD)
    assert noisy.mean().item() == pytest.approx(law.mean(), rel=0.02)
    assert noisy.std().item() == pytest.approx(law.std(), rel=0.02)


def measured(rng: Generator, **shares: float) -> Tensor:
    """Which points of k-space hold noise, from a signal so large that the magnitude is its real part."""
    noise = add_zero_filled_noise(ZERO + 1e6, STD, rng, **shares) - 1e6
    held: Tensor = torch.fft.fft2(noise, norm="ortho").abs().squeeze(1) > 1e-3
    return held


def test_whole_k_space_gives_white_noise(rng: Generator) -> None:
    assert measured(rng, smallest=1.0, elliptic=0.0, partial=0.0).double().mean() > 0.99


def test_each_image_measures_a_part_of_its_own(rng: Generator) -> None:
    shares = measured(rng, smallest=0.4, elliptic=0.0, partial=0.0).double().mean((-2, -1))
    assert shares.std() > 0.1
    assert 0.16 <= shares.min() < shares.max() <= 1


def test_an_ellipse_measures_less_than_its_rectangle(rng: Generator) -> None:
    ellipse = measured(rng, smallest=1.0, elliptic=1.0, partial=0.0).double().mean()
    assert ellipse.item() == pytest.approx(torch.pi / 4, rel=0.03)


def test_a_level_of_zero_changes_nothing_and_no_value_is_negative(phantom: Tensor, rng: Generator) -> None:
    levels = torch.tensor([0.0, 0.2]).view(2, 1, 1, 1)
    noisy = add_zero_filled_noise(phantom.clamp(min=0).repeat(2, 1, 1, 1), levels, rng)
    assert torch.equal(noisy[:1], phantom.clamp(min=0))
    assert (noisy >= 0).all()


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ({"smallest": 0.0}, "smallest must be positive and at most 1, got 0"),
        ({"elliptic": 1.5}, r"elliptic must be from 0 to 1, got 1\.5"),
        ({"partial": -1.0}, "partial must be from 0 to 1, got -1"),
    ],
)
def test_shares_out_of_range_are_refused(shares: dict[str, float], reason: str, rng: Generator) -> None:
    with pytest.raises(ValueError, match=reason):
        add_zero_filled_noise(ZERO, STD, rng, **shares)


def test_a_negative_level_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0\.1"):
        add_zero_filled_noise(ZERO, -STD, rng)
