"""Claims about noise that was made on a coarser grid."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from monai_gan_denoise.transforms.noise import add_upsampled_noise
from monai_gan_denoise.transforms.noise.upsampled import METHODS, _interpolation

IMAGES = torch.full((48, 1, 96, 96), 0.5, dtype=torch.float64)


@pytest.mark.parametrize("method", [*METHODS, "random"])
def test_noise_has_the_level_and_mean_zero(method: str, rng: Generator) -> None:
    noise = add_upsampled_noise(IMAGES, 0.2, rng, method) - IMAGES
    assert noise.mean().abs() < 0.004
    assert noise.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.02)


def test_zero_filled_frequencies_hold_nothing(rng: Generator) -> None:
    noise = add_upsampled_noise(IMAGES, 1.0, rng, "fourier", 2.0, 2.0) - IMAGES
    spectrum = torch.fft.fft2(noise, norm="ortho").abs().square().mean((0, 1))
    measured = torch.fft.fftfreq(96).abs() * 96 <= 24
    assert spectrum[~measured].max() < 1e-12
    inside = spectrum[measured][:, measured]
    assert inside[:-1, :-1].mean() > 3


@pytest.mark.parametrize("method", METHODS)
def test_enlarged_noise_is_smoother_by_the_factor(method: str, rng: Generator) -> None:
    def neighbors(factor: float) -> float:
        noise = add_upsampled_noise(IMAGES, 1.0, rng, method, factor, factor) - IMAGES
        return float((noise[..., 1:] * noise[..., :-1]).mean())

    assert neighbors(1.2) + 0.1 < neighbors(1.8) < neighbors(2.5) - 0.05


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_weights_are_those_of_torch_at_a_factor_of_two(method: str, rng: Generator) -> None:
    factor = torch.full((1, 1, 1), 2.0, dtype=torch.float64)
    weights = _interpolation(64, factor, 2.0, method, rng)[0]
    impulse = torch.zeros(1, 1, weights.shape[-1], 1, dtype=torch.float64)
    impulse[..., 16, 0] = 1
    mode = {"linear": "bilinear", "cubic": "bicubic"}[method]
    fine = F.interpolate(impulse, scale_factor=(64.0, 1.0), mode=mode, align_corners=False)[0, 0, :, 0]
    column = weights[:, 16] / weights.sum(-1).mean()
    start = int(torch.argmax(column))
    # The kernel, known at 64 places a node, passes through the weights at steps of half a node.
    kernel = fine[int(torch.argmax(fine)) - 160 : int(torch.argmax(fine)) + 161]
    errors = [
        (kernel[160 + offset - 64 : 160 + offset + 65 : 32] - column[start - 2 : start + 3]).abs().max()
        for offset in range(-32, 33)
    ]
    assert min(errors) < 0.03


def test_each_image_has_a_factor_of_its_own(rng: Generator) -> None:
    noise = add_upsampled_noise(IMAGES, 1.0, rng, "fourier") - IMAGES
    filled = (torch.fft.fft2(noise).abs() > 1e-9).double().mean((-3, -2, -1))
    assert len(filled.unique()) > 24
    assert 1 / 2.6**2 < filled.min() < filled.max() < 1 / 1.15**2


def test_factor_one_is_white(rng: Generator) -> None:
    noise = add_upsampled_noise(IMAGES[..., :95, :95], 1.0, rng, "fourier", 1.0, 1.0) - 0.5
    assert (noise[..., 1:] * noise[..., :-1]).mean().abs() < 0.01
    assert math.isclose(float(noise.std()), 1, rel_tol=0.01)


def test_unknown_methods_and_factors_are_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="method must be one of linear, cubic, fourier, random, got 'area'"):
        add_upsampled_noise(IMAGES, 0.1, rng, "area")
    with pytest.raises(ValueError, match=r"smallest must be at least 1 and at most largest, got 0\.5 and 2"):
        add_upsampled_noise(IMAGES, 0.1, rng, smallest=0.5, largest=2.0)
    with pytest.raises(ValueError, match=r"smallest must be at least 1 and at most largest, got 3 and 2\.5"):
        add_upsampled_noise(IMAGES, 0.1, rng, smallest=3.0)
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        add_upsampled_noise(IMAGES, -1.0, rng)
