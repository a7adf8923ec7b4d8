"""Claims about speckle of ultrasound and of optical coherence tomography."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import (
    add_oct_speckle,
    add_ultrasound_speckle,
    gamma_speckle,
    rayleigh_envelope,
)

IMAGES = torch.full((8, 1, 256, 256), 0.5, dtype=torch.float64)


def correlation_width(field: Tensor, axis: int) -> float:
    """The standard deviation, in pixels, of the Gaussian that fits a field's autocovariance along an axis."""
    centered = field - field.mean()
    lags = np.arange(9)
    sizes = [field.shape[axis] - int(lag) for lag in lags]
    products = [
        (centered.narrow(axis, 0, size) * centered.narrow(axis, int(lag), size)).mean().item()
        for lag, size in zip(lags, sizes, strict=True)
    ]
    (width,), _ = optimize.curve_fit(
        lambda lag, width: np.exp(-0.5 * (lag / width) ** 2), lags, np.divide(products, products[0])
    )
    return float(abs(width))


@pytest.mark.parametrize("widths", [(0.0, 0.0), (1.0, 2.0)], ids=["white", "correlated"])
def test_envelope_has_the_ratio_of_fully_developed_speckle(widths: tuple[float, float], rng: Generator) -> None:
    envelope = rayleigh_envelope(IMAGES, *widths, rng)
    assert (envelope.mean() / envelope.std()).item() == pytest.approx(1.91, rel=0.02)
    assert envelope.square().mean().item() == pytest.approx(1, rel=0.02)


def test_white_envelope_is_rayleigh(rng: Generator) -> None:
    envelope = rayleigh_envelope(IMAGES[:2], 0.0, 0.0, rng).numpy().ravel()
    assert stats.kstest(envelope, stats.rayleigh(scale=math.sqrt(0.5)).cdf).pvalue > 0.01


def test_correlated_envelope_is_rayleigh_where_it_is_independent(rng: Generator) -> None:
    envelope = rayleigh_envelope(IMAGES, 1.0, 2.0, rng)[..., ::8, ::16].numpy().ravel()
    assert stats.kstest(envelope, stats.rayleigh(scale=math.sqrt(0.5)).cdf).pvalue > 0.01


@pytest.mark.parametrize(("axial", "lateral"), [(1.0, 2.0), (1.5, 1.0)])
def test_autocorrelation_is_as_wide_as_the_point_spread_function(axial: float, lateral: float, rng: Generator) -> None:
    intensity = rayleigh_envelope(IMAGES, axial, lateral, rng).square()
    assert correlation_width(intensity, -2) == pytest.approx(axial, rel=0.04)
    assert correlation_width(intensity, -1) == pytest.approx(lateral, rel=0.04)


@pytest.mark.parametrize("std", [0.05, 0.2])
def test_compressed_speckle_keeps_the_mean_and_has_the_level(std: float, rng: Generator) -> None:
    noisy = add_ultrasound_speckle(IMAGES, std, rng)
    assert noisy.mean().item() == pytest.approx(0.5, rel=0.02)
    assert noisy.std().item() == pytest.approx(std, rel=0.02)


def test_compressed_speckle_of_557_decibels_spans_the_range_that_the_level_names(rng: Generator) -> None:
    level = 0.1
    decibels = 5.57 / level * (add_ultrasound_speckle(IMAGES[:1], level, rng, 0.0, 0.0) - IMAGES[:1])
    power = 10 ** (decibels / 10).numpy().ravel()
    assert stats.kstest(power / power.mean(), stats.expon.cdf).pvalue > 0.01


def test_ultrasound_speckle_leaves_what_holds_no_scatterers(phantom: Tensor, rng: Generator) -> None:
    image = phantom - 0.2
    noisy = add_ultrasound_speckle(image, 0.1, rng)
    assert torch.equal(noisy[image <= 0], image[image <= 0])
    assert not (noisy[image > 0] == image[image > 0]).any()


@pytest.mark.parametrize("looks", [1.0, 2.5, 16.0])
def test_intensity_of_oct_speckle_is_gamma(looks: float, rng: Generator) -> None:
    intensity = gamma_speckle(IMAGES[:2], looks, rng).numpy().ravel()
    assert stats.kstest(intensity, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 0.01


def test_deviation_of_the_intensity_falls_as_one_over_the_root_of_the_looks(rng: Generator) -> None:
    for looks in (1.0, 4.0, 16.0, 64.0):
        assert gamma_speckle(IMAGES, looks, rng).std().item() == pytest.approx(looks**-0.5, rel=0.02)


@pytest.mark.parametrize("looks", [1.0, 4.0, 16.0])
@pytest.mark.parametrize("dynamic_range", [40.0, 50.0])
def test_compressed_oct_speckle_keeps_the_mean_and_has_its_deviation(
    looks: float, dynamic_range: float, rng: Generator
) -> None:
    noisy = add_oct_speckle(IMAGES, looks, rng, dynamic_range)
    decibels = 10 / math.log(10) * math.sqrt(special.polygamma(1, looks))
    assert noisy.mean().item() == pytest.approx(0.5, rel=0.02)
    assert noisy.std().item() == pytest.approx(decibels / dynamic_range, rel=0.02)


def test_expanding_compressed_oct_speckle_gives_the_gamma_law_back(rng: Generator) -> None:
    intensity = 10 ** (5 * (add_oct_speckle(IMAGES[:2], 4.0, rng) - 0.5)).numpy().ravel()
    assert stats.kstest(intensity / intensity.mean(), stats.gamma(4, scale=1 / 4).cdf).pvalue > 0.01


def test_correlated_oct_speckle_has_looks_and_width(rng: Generator) -> None:
    intensity = gamma_speckle(IMAGES, 2.5, rng, width=1.5)
    assert intensity.mean().item() == pytest.approx(1, rel=0.02)
    assert intensity.std().item() == pytest.approx(2.5**-0.5, rel=0.02)
    assert correlation_width(intensity, -1) == pytest.approx(1.5, rel=0.04)


def test_correlated_oct_speckle_takes_looks_of_each_image(rng: Generator) -> None:
    looks = torch.tensor([1.0, 9.2]).view(2, 1, 1, 1)
    weak, strong = 9.0, 1.0  # looks are rounded to halves
    intensity = gamma_speckle(IMAGES[:2], looks, rng, width=0.5)
    assert intensity[0].std().item() == pytest.approx(strong**-0.5, rel=0.03)
    assert intensity[1].std().item() == pytest.approx(weak**-0.5, rel=0.03)
    assert add_oct_speckle(IMAGES[:2], looks, rng, width=0.5).mean().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("looks", [0.5, 65.0])
def test_looks_out_of_range_are_refused(looks: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"looks must be from 1 to 64, got {looks:g}"):
        add_oct_speckle(IMAGES, looks, rng)


def test_a_dynamic_range_that_is_not_positive_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="dynamic_range must be positive, got 0"):
        add_oct_speckle(IMAGES, 4.0, rng, dynamic_range=0.0)


def test_a_negative_level_of_ultrasound_speckle_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0\.1"):
        add_ultrasound_speckle(IMAGES, -0.1, rng)
