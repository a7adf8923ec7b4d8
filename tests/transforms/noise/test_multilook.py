"""Claims about speckle averaged over looks, compressed or linear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import RandomLooks, add_multilook_speckle, add_relative_speckle
from monai_gan_denoise.transforms.noise.multilook import AMPLITUDE_LOG_MEAN, AMPLITUDE_LOG_STD

IMAGES = torch.full((32, 1, 96, 96), 0.5, dtype=torch.float64)
FINE = {"axial": 0.6, "lateral": 0.6, "widening": 1.0, "smoothing": 0.0}


def speckle(rng: Generator, **settings: Any) -> Tensor:
    return add_multilook_speckle(IMAGES, 1.0, rng, RandomLooks(**settings)) - IMAGES


@pytest.mark.parametrize("average", ["intensity", "amplitude"])
@pytest.mark.parametrize("looks", [1, 2, 4, 5, 16])
@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_compressed_looks_keep_the_mean_and_have_the_level(
    average: str, looks: int, smoothing: float, rng: Generator
) -> None:
    noise = speckle(rng, looks=looks, average=average, axial=0.8, lateral=1.0, smoothing=smoothing)
    assert noise.mean().abs() < 0.025
    assert noise.std().item() == pytest.approx(1, rel=0.025)


def test_the_level_is_the_same_at_every_depth(rng: Generator) -> None:
    noise = speckle(rng, axial=0.8, lateral=0.8)
    top, bottom = noise[..., :16, :].std().item(), noise[..., -16:, :].std().item()
    assert top == pytest.approx(1, rel=0.05)
    assert bottom == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("looks", [1, 3, 8])
def test_standardized_logarithms_are_those_of_gamma_variables(looks: int, rng: Generator) -> None:
    noise = speckle(rng, looks=looks, average="intensity", **FINE)[..., ::4, ::4].numpy().ravel()
    logarithm = noise * math.sqrt(special.polygamma(1, looks)) + special.digamma(looks)
    assert stats.kstest(logarithm, stats.loggamma(looks).cdf).pvalue > 0.01


def test_moments_of_mean_amplitudes_are_those_of_sums_of_rayleigh_variables() -> None:
    random = np.random.default_rng(1)
    for looks in (1, 2, 3, 4):
        amplitudes = stats.rayleigh(scale=math.sqrt(0.5)).rvs((200_000, looks), random_state=random)
        logarithm = 2 * np.log(amplitudes.mean(1))
        assert AMPLITUDE_LOG_MEAN[looks - 1] == pytest.approx(logarithm.mean(), abs=0.01)
        assert AMPLITUDE_LOG_STD[looks - 1] == pytest.approx(logarithm.std(), rel=0.01)


@pytest.mark.parametrize("looks", [1, 8])
def test_speckle_widens_with_depth_and_not_along_it(looks: int, rng: Generator) -> None:
    noise = speckle(rng, looks=looks, lateral=0.8, widening=3.0, smoothing=0.0, axial=0.8)
    across = (noise[..., 2:] * noise[..., :-2]).mean((0, 1, 3))
    along = (noise[..., 2:, :] * noise[..., :-2, :]).mean((0, 1, 3))
    assert across[-24:].mean() > across[:24].mean() + 0.15
    assert (along[-24:].mean() - along[:24].mean()).abs() < 0.1


@pytest.mark.parametrize("looks", [4, 5])
def test_looks_drawn_one_by_one_and_at_once_are_correlated_alike(looks: int, rng: Generator) -> None:
    noise = speckle(rng, looks=looks, average="intensity", axial=1.0, lateral=1.5, widening=1.0, smoothing=0.0)
    # The correlation of intensities is exp(-d^2 / 2 s^2); that of their logarithms is a little smaller.
    for lag in (1, 2):
        expected = math.exp(-(lag**2) / (2 * 1.5**2))
        measured = (noise[..., lag:] * noise[..., :-lag]).mean().item()
        assert expected - 0.06 < measured < expected + 0.02


def test_each_image_has_looks_of_its_own(rng: Generator) -> None:
    skewness = stats.skew(speckle(rng, **FINE).flatten(1).numpy(), axis=1)  # -1.14 for one look, -0.25 for sixteen
    assert skewness.min() < -0.9
    assert skewness.max() > -0.5


def test_smoothing_widens_the_correlation(rng: Generator) -> None:
    def neighbors(smoothing: float) -> float:
        noise = speckle(rng, looks=2, axial=0.5, lateral=0.6, widening=1.0, smoothing=smoothing)
        return float((noise[..., 1:] * noise[..., :-1]).mean())

    assert neighbors(1.0) > neighbors(0.0) + 0.05


def test_what_holds_no_scatterers_is_left(phantom: Tensor, rng: Generator) -> None:
    image = phantom - 0.2
    noisy = add_multilook_speckle(image, 0.1, rng)
    assert torch.equal(noisy[image <= 0], image[image <= 0])
    assert not (noisy[image > 0] == image[image > 0]).any()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"looks": 17}, "looks must be a whole number from 1 to 16, or 0, got 17"),
        ({"average": "median"}, "average must be one of intensity, amplitude, random, got 'median'"),
        ({"axial": -1.0}, "axial must be at least 0, got -1"),
        ({"lateral": -1.0}, "lateral must be at least 0, got -1"),
        ({"widening": 0.5}, r"widening must be at least 1, got 0\.5"),
        ({"smoothing": 1.5}, r"smoothing must be from 0 to 1 pixel, got 1\.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RandomLooks(**settings)


def test_a_negative_level_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        add_multilook_speckle(IMAGES, -1.0, rng)


@pytest.mark.parametrize("std", [0.1, 0.25, 0.55, 0.8, 1.0])
def test_linear_speckle_has_mean_one_and_the_relative_level(std: float, rng: Generator) -> None:
    factor = add_relative_speckle(IMAGES, std, rng, 0.6, 0.8) / IMAGES
    assert factor.mean().item() == pytest.approx(1, abs=0.01)
    assert factor.std().item() == pytest.approx(std, rel=0.025)
    assert factor.min() >= -1e-12


@pytest.mark.parametrize("looks", [1, 3, 4, 6, 16])
def test_linear_speckle_of_whole_looks_is_gamma(looks: int, rng: Generator) -> None:
    factor = (add_relative_speckle(IMAGES, looks**-0.5, rng, 0.6, 0.6) / IMAGES)[..., ::4, ::4].numpy().ravel()
    assert stats.kstest(factor, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 0.01


def test_linear_speckle_of_each_image_has_a_point_spread_of_its_own(rng: Generator) -> None:
    factor = (add_relative_speckle(IMAGES, 0.5, rng) / IMAGES - 1) / 0.5
    for product in (factor[..., 1:] * factor[..., :-1], factor[..., 1:, :] * factor[..., :-1, :]):
        assert product.mean((1, 2, 3)).std() > 0.1


def test_linear_levels_and_widths_out_of_range_are_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be from 0 to 1, got 1\.5"):
        add_relative_speckle(IMAGES, 1.5, rng)
    with pytest.raises(ValueError, match="axial must be at least 0, got -1"):
        add_relative_speckle(IMAGES, 0.5, rng, axial=-1.0)
    with pytest.raises(ValueError, match="lateral must be at least 0, got -1"):
        add_relative_speckle(IMAGES, 0.5, rng, lateral=-1.0)
