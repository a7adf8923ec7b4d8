"""Claims about Gaussian noise of random spectrum."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import RandomSpectrum, add_colored_noise

IMAGES = torch.full((48, 1, 96, 96), 0.5, dtype=torch.float64)
PLAIN = {"isotropic": 0.0, "aligned": 0.0, "banded": 0.0, "turning": 0.0}


def noise_of(rng: Generator, **spectrum: Any) -> Tensor:
    return add_colored_noise(IMAGES, 1.0, rng, spectrum=RandomSpectrum(**{**PLAIN, **spectrum})) - IMAGES


def correlation(noise: Tensor, rows: int, columns: int) -> Tensor:
    """The correlation of each image with itself, shifted."""
    height, width = (length - lag for length, lag in zip(noise.shape[-2:], (rows, columns), strict=True))
    product = noise[..., :height, :width] * noise[..., rows:, columns:]
    return product.mean((-3, -2, -1)) / noise.square().mean((-3, -2, -1))


@pytest.mark.parametrize(
    "spectrum", [{}, {"turning": 1.0}, {"banded": 1.0}, {"narrowest": 2.0}], ids=["plain", "turning", "banded", "wide"]
)
def test_noise_has_the_level_and_mean_zero_everywhere(spectrum: dict[str, float], rng: Generator) -> None:
    noise = noise_of(rng, **spectrum)
    assert noise.mean().abs() < 0.03
    assert noise.square().mean().sqrt().item() == pytest.approx(1, rel=0.02)
    border = torch.cat([noise[..., 0, :], noise[..., -1, :], noise[..., 0], noise[..., -1]])
    assert border.std().item() == pytest.approx(1, rel=0.06)


@pytest.mark.parametrize("width", [0.8, 1.0, 2.0])
def test_autocorrelation_is_that_of_a_gaussian_kernel(width: float, rng: Generator) -> None:
    noise = noise_of(rng, narrowest=width, widest=width)
    for lag in (1, 2):
        expected = math.exp(-((lag / width) ** 2) / 4)
        assert correlation(noise, 0, lag).mean().item() == pytest.approx(expected, abs=0.02)
        assert correlation(noise, lag, 0).mean().item() == pytest.approx(expected, abs=0.02)


def test_opposite_borders_do_not_resemble_each_other(rng: Generator) -> None:
    noise = noise_of(rng, narrowest=2.0)
    assert (noise[..., 0, :] * noise[..., -1, :]).mean().abs() < 0.05
    assert (noise[..., 0] * noise[..., -1]).mean().abs() < 0.05


def test_noise_is_normal_at_a_pixel(rng: Generator) -> None:
    noise = noise_of(rng, narrowest=1.0, widest=1.0, turning=1.0)[..., ::8, ::8]
    assert stats.kstest(noise.flatten().numpy(), "norm").pvalue > 0.01


def test_each_image_has_a_spectrum_of_its_own(rng: Generator) -> None:
    lags = torch.stack([correlation(noise_of(rng), 0, 1), correlation(noise_of(rng), 1, 0)])
    assert (lags.std(1) > 0.1).all()


def test_axes_stand_at_any_angle_or_along_rows_and_columns(rng: Generator) -> None:
    def skew(aligned: float) -> Tensor:
        noise = noise_of(rng, aligned=aligned)
        rising = noise[..., 1:, :-1] * noise[..., :-1, 1:]
        return (correlation(noise, 1, 1) - rising.mean((-3, -2, -1))).abs()

    assert skew(1.0).max() < 0.12
    assert skew(0.0).mean() > 0.12


def test_isotropic_spectra_are_as_wide_along_both_axes(rng: Generator) -> None:
    def difference(isotropic: float) -> float:
        noise = noise_of(rng, isotropic=isotropic, aligned=1.0)
        return float((correlation(noise, 1, 0) - correlation(noise, 0, 1)).abs().mean())

    assert difference(1.0) < 0.05 < 0.15 < difference(0.0)


def test_banded_noise_lacks_low_frequencies(rng: Generator) -> None:
    def low_share(banded: float) -> float:
        spectrum = torch.fft.fft2(noise_of(rng, banded=banded)).abs().square().mean((0, 1))
        return float(spectrum[:3, :3].mean() / spectrum.mean())

    assert low_share(1.0) < 0.5 * low_share(0.0)


def test_a_turning_spectrum_differs_from_place_to_place(rng: Generator) -> None:
    def spread(turning: float) -> Tensor:
        noise = noise_of(rng, narrowest=0.3, widest=2.5, turning=turning)
        quarters = [half for side in noise.chunk(2, -1) for half in side.chunk(2, -2)]
        return torch.stack([correlation(q, 1, 0) - correlation(q, 0, 1) for q in quarters]).std(0).mean()

    assert spread(1.0) > 1.5 * spread(0.0)


@pytest.mark.parametrize(("signal", "factor"), [("none", 1.0), ("root", 0.5), ("proportional", 0.25)])
def test_noise_follows_the_signal(signal: str, factor: float, rng: Generator) -> None:
    image = torch.full((64, 1, 48, 48), 0.25)
    image[..., :24] = -0.5
    noise = add_colored_noise(image, 0.1, rng, signal) - image
    assert noise[..., 24:].std().item() == pytest.approx(0.1 * factor, rel=0.05)
    assert signal == "none" or not noise[..., :24].any()


@pytest.mark.parametrize(
    ("spectrum", "reason"),
    [
        ({"narrowest": 0.0}, "narrowest must be positive and at most widest, got 0 and"),
        ({"narrowest": 3.0}, r"narrowest must be positive and at most widest, got 3 and 2\.5"),
        ({"steepest": 2.5}, r"steepest must be from 0 to 2, got 2\.5"),
        ({"turning": 1.5}, r"turning must be from 0 to 1, got 1\.5"),
        ({"isotropic": -1.0}, "isotropic must be from 0 to 1, got -1"),
    ],
)
def test_a_spectrum_out_of_range_is_refused(spectrum: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RandomSpectrum(**spectrum)


def test_unknown_dependence_and_negative_levels_are_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="signal must be one of none, root, proportional, got 'log'"):
        add_colored_noise(IMAGES, 0.1, rng, "log")
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        add_colored_noise(IMAGES, -1.0, rng)
