"""Claims about noise and artifacts that arise in k-space."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import LAWS, add_gibbs_ringing, add_kspace_noise, add_kspace_spikes

STD = 0.05
ZERO = torch.zeros((4, 1, 200, 200), dtype=torch.float64)


@pytest.mark.parametrize("partial_fourier", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("signal", [0.0, 0.1])
def test_second_moment_is_that_of_rician_noise_of_the_level(
    partial_fourier: float, signal: float, rng: Generator
) -> None:
    noisy = add_kspace_noise(ZERO + signal, STD, rng, partial_fourier)
    assert noisy.square().mean().item() == pytest.approx(signal**2 + 2 * STD**2, rel=0.02)


@pytest.mark.parametrize("partial_fourier", [0.6, 1.0])
def test_far_above_the_noise_its_deviation_is_the_level(partial_fourier: float, rng: Generator) -> None:
    noisy = add_kspace_noise(ZERO + 5, STD, rng, partial_fourier)
    assert noisy.mean().item() == pytest.approx(5, rel=0.02)
    assert noisy.std().item() == pytest.approx(STD, rel=0.02)


@pytest.mark.parametrize("signal", [0.0, 0.08])
def test_fully_sampled_noise_is_rician(signal: float, rng: Generator) -> None:
    noisy = add_kspace_noise(ZERO + signal, STD, rng, 1.0).numpy().ravel()
    expected = stats.rice(signal / STD, scale=STD) if signal else stats.rayleigh(scale=STD)
    assert stats.kstest(noisy, expected.cdf).pvalue > 0.01


def test_frequencies_measured_on_one_side_only_hold_half_the_power(rng: Generator) -> None:
    noise = add_kspace_noise((ZERO + 5).float(), STD, rng, 0.75).double() - 5
    power = torch.fft.fft2(noise, norm="ortho").abs().square().mean((0, 1, 3))
    frequency = np.abs(np.fft.fftfreq(200))
    both, one = power[frequency < 0.24].mean(), power[frequency > 0.26].mean()
    assert (one / both).item() == pytest.approx(0.5, rel=0.05)


def test_partial_fourier_correlates_along_the_phase_encoding_axis_only(rng: Generator) -> None:
    noise = add_kspace_noise(ZERO + 5, STD, rng, 0.55) - 5
    rows = (noise[..., 2:, :] * noise[..., :-2, :]).mean() / noise.var()
    columns = (noise[..., 2:] * noise[..., :-2]).mean() / noise.var()
    frequency = np.fft.fftfreq(200)
    spectrum = np.where(frequency < 0.05, 1.0, 0.0) + np.where(-frequency < 0.05, 1.0, 0.0)
    expected = (spectrum * np.cos(4 * np.pi * frequency)).sum() / spectrum.sum()
    assert rows.item() == pytest.approx(expected, abs=0.02)
    assert columns.item() == pytest.approx(0, abs=0.02)


def test_the_clean_image_does_not_pass_the_sampling_mask(phantom: Tensor, rng: Generator) -> None:
    noisy = add_kspace_noise(phantom.repeat(2, 1, 1, 1), torch.tensor([0.0, 1e-6]).view(2, 1, 1, 1), rng, 0.5)
    assert torch.equal(noisy[0], phantom[0])
    torch.testing.assert_close(noisy[1], phantom[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("partial_fourier", [0.4, 1.1])
def test_partial_fourier_out_of_range_is_refused(partial_fourier: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"partial_fourier must be from 0\.5 to 1, got"):
        add_kspace_noise(ZERO, STD, rng, partial_fourier)


def test_gibbs_leaves_no_power_beyond_the_radius(phantom: Tensor, rng: Generator) -> None:
    cut = 0.5
    spectrum = torch.fft.fftshift(torch.fft.fft2(add_gibbs_ringing(phantom.double(), cut, rng)), dim=(-2, -1)).abs()
    rows, columns = np.ogrid[:96, :96]
    radius = np.hypot(rows - 48, columns - 48)
    corner = 96 * math.sqrt(2) / 2
    assert spectrum[0, 0][torch.from_numpy(radius > (1 - cut) * corner + 1)].max() < 1e-9 * spectrum.max()


def test_gibbs_rings_at_an_edge(rng: Generator) -> None:
    edge = torch.zeros((1, 1, 96, 96))
    edge[..., 24:72] = 1
    ringing = add_gibbs_ringing(edge, 0.65, rng)
    assert ringing.max().item() == pytest.approx(1.09, abs=0.03)  # Wilbraham's overshoot, 9 % of the step


def test_gibbs_cuts_each_image_by_its_own_share(phantom: Tensor, rng: Generator) -> None:
    shares = torch.tensor([0.0, 0.3, 0.7]).view(3, 1, 1, 1)
    ringing = add_gibbs_ringing(phantom.repeat(3, 1, 1, 1), shares, rng)
    assert type(ringing) is Tensor
    assert torch.equal(ringing[0], phantom[0])
    error = (ringing - phantom).square().mean((1, 2, 3))
    assert error[2] > 3 * error[1] > 0


def test_a_cut_out_of_range_is_refused(phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"cut must be from 0 to 1, got 1\.5"):
        add_gibbs_ringing(phantom, 1.5, rng)


@pytest.mark.parametrize("spikes", [1, 3])
def test_spikes_are_stripes_of_the_level(spikes: int, rng: Generator) -> None:
    image = torch.full((20, 1, 64, 48), 0.4)
    stripes = (add_kspace_spikes(image, STD, rng, spikes) - image).double()
    deviation = stripes.std((-2, -1), correction=0).flatten()
    assert deviation.square().mean().sqrt().item() == pytest.approx(STD, rel=0.02 if spikes == 1 else 0.1)
    assert stripes.mean().item() == pytest.approx(0, abs=1e-5)
    power = torch.fft.fft2(stripes).abs().square().flatten(1)
    strongest = power.sort(dim=1, descending=True).values[:, : 2 * spikes].sum(1)  # each and its mirror image
    assert (strongest / power.sum(1)).min() > 0.999


def test_spikes_fall_anew_on_every_image(phantom: Tensor, rng: Generator) -> None:
    striped = add_kspace_spikes(phantom.repeat(2, 1, 1, 1), STD, rng)
    assert type(striped) is Tensor
    assert not torch.allclose(striped[0], striped[1], atol=STD / 10)


@pytest.mark.parametrize("size", [8, 9, 16])
def test_spikes_fit_into_small_images(size: int, rng: Generator) -> None:
    image = torch.full((50, 1, size, size), 0.4)
    stripes = add_kspace_spikes(image, STD, rng) - image
    assert stripes.std((-2, -1), correction=0).numpy() == pytest.approx(np.full((50, 1), STD), rel=0.01)


@pytest.mark.parametrize("spikes", [0, 1.5])
def test_a_number_of_spikes_that_is_none_is_refused(spikes: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"spikes must be a whole number of at least 1, got {spikes:g}"):
        LAWS["spikes"](torch.zeros(1, 16, 16), 0.1, rng, spikes=spikes)
