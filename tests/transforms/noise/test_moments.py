"""Claims about the noise laws: each draws from the distribution that its equation names."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import (
    add_gaussian_noise,
    add_impulse_noise,
    add_poisson_noise,
    add_rician_noise,
    add_speckle_noise,
)

Law = Callable[[Tensor, float | Tensor, Generator], Tensor]
LEVELS: dict[Law, float] = {
    add_gaussian_noise: 0.1,
    add_speckle_noise: 0.2,
    add_poisson_noise: 30.0,
    add_impulse_noise: 0.1,
    add_rician_noise: 0.15,
}
SAMPLES = (400, 400)  # the standard error of a variance is then 0.35 %
SIGNAL = 0.4  # network units

every_law = pytest.mark.parametrize("law", LEVELS, ids=lambda law: law.__name__)


def flat(rng: Generator, law: Law, level: float, signal: float = SIGNAL) -> np.ndarray:
    return law(torch.full(SAMPLES, signal, dtype=torch.float64), level, rng).numpy().ravel()


@pytest.mark.parametrize("signal", [-0.3, 0.0, 0.8])
def test_gaussian_noise_has_its_moments_at_any_signal(signal: float, rng: Generator) -> None:
    noisy = flat(rng, add_gaussian_noise, 0.1, signal)
    assert noisy.mean() == pytest.approx(signal, abs=0.02 * 0.1)
    assert noisy.std() == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("signal", [0.2, 0.8])
def test_speckle_noise_grows_with_the_signal(signal: float, rng: Generator) -> None:
    noisy = flat(rng, add_speckle_noise, 0.2, signal)
    assert noisy.mean() == pytest.approx(signal, rel=0.02)
    assert noisy.std() == pytest.approx(0.2 * signal, rel=0.02)


@pytest.mark.parametrize("counts", [5.0, 500.0])
def test_poisson_noise_has_variance_signal_over_counts(counts: float, rng: Generator) -> None:
    noisy = flat(rng, add_poisson_noise, counts)
    assert noisy.mean() == pytest.approx(SIGNAL, rel=0.02)
    assert noisy.var() == pytest.approx(SIGNAL / counts, rel=0.02)


@pytest.mark.parametrize("signal", [0.0, 0.1, 0.8])
def test_rician_noise_has_its_second_moment(signal: float, rng: Generator) -> None:
    noisy = flat(rng, add_rician_noise, 0.15, signal)
    assert (noisy**2).mean() == pytest.approx(signal**2 + 2 * 0.15**2, rel=0.02)


def test_rician_noise_without_signal_is_rayleigh(rng: Generator) -> None:
    noisy = flat(rng, add_rician_noise, 0.15, 0.0)
    assert noisy.mean() == pytest.approx(0.15 * math.sqrt(math.pi / 2), rel=0.02)


@pytest.mark.parametrize("fraction", [0.05, 0.5])
def test_impulse_noise_replaces_its_fraction_half_by_black_and_half_by_white(fraction: float, rng: Generator) -> None:
    noisy = flat(rng, add_impulse_noise, fraction)
    binomial = stats.binom(noisy.size, fraction / 2)
    for value in (0.0, 1.0):
        assert 0.001 < binomial.cdf((noisy == value).sum()) < 0.999
    assert set(np.unique(noisy)) == {0.0, SIGNAL, 1.0}


@pytest.mark.parametrize(
    ("law", "level", "distribution"),
    [
        (add_gaussian_noise, 0.1, stats.norm(SIGNAL, 0.1)),
        (add_speckle_noise, 0.2, stats.norm(SIGNAL, 0.2 * SIGNAL)),
        (add_rician_noise, 0.15, stats.rice(SIGNAL / 0.15, scale=0.15)),
        (add_rician_noise, 0.6, stats.rice(SIGNAL / 0.6, scale=0.6)),
    ],
    ids=["gaussian", "speckle", "rician", "rician-strong"],
)
def test_noise_passes_the_kolmogorov_smirnov_test(
    law: Law, level: float, distribution: stats.rv_continuous, rng: Generator
) -> None:
    assert stats.kstest(flat(rng, law, level), distribution.cdf).pvalue > 0.01


def test_poisson_counts_pass_the_chi_squared_test(rng: Generator) -> None:
    counts = np.rint(30 * flat(rng, add_poisson_noise, 30.0)).astype(int)
    expected = stats.poisson(30 * SIGNAL)
    low, high = int(expected.ppf(1e-4)), int(expected.ppf(1 - 1e-4))
    edges = np.arange(low, high)
    probabilities = np.diff(np.concatenate(([0.0], expected.cdf(edges), [1.0])))
    observed = np.histogram(counts, np.concatenate(([-1], edges, [counts.max() + high])) + 0.5)[0]
    assert stats.chisquare(observed, probabilities * counts.size).pvalue > 0.01


def test_poisson_noise_comes_in_whole_photons(rng: Generator) -> None:
    photons = 30 * flat(rng, add_poisson_noise, 30.0)
    np.testing.assert_allclose(photons, np.rint(photons), atol=1e-9)


def test_poisson_noise_leaves_what_lies_below_zero(rng: Generator, phantom: Tensor) -> None:
    image = phantom - 0.5
    noisy = add_poisson_noise(image, 30.0, rng)
    assert torch.equal(noisy[image < 0], image[image < 0])
    assert not torch.equal(noisy, image)


@pytest.mark.parametrize(
    "law",
    [add_gaussian_noise, add_speckle_noise, add_impulse_noise, add_rician_noise],
    ids=lambda law: law.__name__,
)
def test_level_zero_returns_the_input_exactly(law: Law, phantom: Tensor, rng: Generator) -> None:
    image = phantom - 0.3
    assert torch.equal(law(image, 0.0, rng), image)


@every_law
def test_noise_is_white(law: Law, rng: Generator) -> None:
    noise = flat(rng, law, LEVELS[law]).reshape(SAMPLES)
    noise = noise - noise.mean()
    for shifted in (np.roll(noise, 1, 0), np.roll(noise, 1, 1)):
        assert abs((noise * shifted).mean() / noise.var()) < 4 / math.sqrt(noise.size)


@every_law
def test_same_seed_gives_the_same_bits(law: Law, phantom: Tensor) -> None:
    first, again, other = (law(phantom, LEVELS[law], Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@every_law
def test_global_seed_plays_no_part(law: Law, phantom: Tensor) -> None:
    state = torch.get_rng_state()
    law(phantom, LEVELS[law], Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), state)


@every_law
def test_input_is_not_modified(law: Law, phantom: Tensor, rng: Generator) -> None:
    before = phantom.clone()
    assert not torch.equal(law(phantom, LEVELS[law], rng), phantom)
    assert torch.equal(phantom, before)


@every_law
@pytest.mark.parametrize("shape", [(2, 1, 12, 9), (1, 1, 5, 6, 7)], ids=["2d", "3d"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype_are_kept(law: Law, shape: tuple[int, ...], dtype: torch.dtype, rng: Generator) -> None:
    noisy = law(torch.full(shape, SIGNAL, dtype=dtype), LEVELS[law], rng)
    assert noisy.shape == shape
    assert noisy.dtype == dtype
    assert len(torch.unique(noisy)) > 1


@every_law
def test_one_level_an_image_is_applied_to_that_image(law: Law, rng: Generator) -> None:
    images = torch.full((2, 1, 200, 200), SIGNAL)
    weak, strong = LEVELS[law] / 4, LEVELS[law]
    noisy = law(images, torch.tensor([weak, strong]).view(2, 1, 1, 1), rng)
    for image, level in zip(noisy, (weak, strong), strict=True):
        alone = law(images[:1], level, rng)
        assert image.var().item() == pytest.approx(alone.var().item(), rel=0.1)


@pytest.mark.parametrize("law", [add_gaussian_noise, add_speckle_noise, add_rician_noise], ids=lambda law: law.__name__)
@pytest.mark.parametrize("std", [-0.1, torch.tensor([0.2, -0.1]).view(2, 1, 1, 1)], ids=["number", "tensor"])
def test_negative_std_is_refused(law: Law, std: float | Tensor, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0\.1\. Pass 0 for no noise"):
        law(phantom.repeat(2, 1, 1, 1), std, rng)


@pytest.mark.parametrize("counts", [0.0, -3.0])
def test_counts_that_are_not_positive_are_refused(counts: float, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"counts must be positive, got {counts:g}"):
        add_poisson_noise(phantom, counts, rng)


def test_negative_fraction_is_refused(phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"fraction must be at least 0, got -0\.5"):
        add_impulse_noise(phantom, -0.5, rng)


def test_fraction_above_one_is_refused(phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"fraction must be in \[0, 1\], got 1\.5"):
        add_impulse_noise(phantom, 1.5, rng)
