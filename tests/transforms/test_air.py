"""Claims about the noise level that air tells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Generator, Tensor

from monai_gan_denoise.transforms import estimate_magnitude_noise
from monai_gan_denoise.transforms.air import shows_clipped_noise
from monai_gan_denoise.transforms.noise import add_kspace_noise, add_noncentral_chi_noise, add_rician_noise

LEVELS = (0.01, 0.03, 0.09, 0.15)
GRAY_LEVELS = 170  # of 8 bits, for 1; noise may be brighter


def head(size: int = 192) -> Tensor:
    """Two tissues with texture and a ventricle, under a coil's sensitivity, blurred edges, in air that fills half."""
    random = np.random.default_rng(1)
    rows, columns = (np.mgrid[:size, :size] - size / 2 + 0.5) * (192 / size)
    image = np.where(columns**2 / 70**2 + rows**2 / 85**2 < 1, 0.55, 0.0)
    image[(columns - 20) ** 2 + rows**2 < 300] = 1
    image[(columns + 30) ** 2 + rows**2 < 500] = 0.25
    texture = ndimage.gaussian_filter(random.normal(size=image.shape), 3)
    image *= (1 + 0.15 * texture / texture.std()) * np.exp(-((columns - 60) ** 2 + rows**2) / 300**2)
    return torch.tensor(ndimage.gaussian_filter(image, 0.7)).clamp(min=0)


def zero_filled(image: Tensor, std: float, rng: Generator) -> Tensor:
    """Complex noise of a k-space of half the width, interpolated to the image's size by zeros."""
    size = image.shape[-1]
    noise = torch.randn((size // 2, size // 2), generator=rng, dtype=torch.complex128) * math.sqrt(2) * std
    spectrum = torch.zeros((size, size), dtype=torch.complex128)
    spectrum[size // 4 : size // 4 + size // 2, size // 4 : size // 4 + size // 2] = torch.fft.fftshift(
        torch.fft.fft2(noise, norm="ortho")
    )
    return (image + 2 * torch.fft.ifft2(torch.fft.ifftshift(spectrum), norm="ortho")).abs()


@pytest.mark.parametrize("coils", [1, 2, 4, 8])
@pytest.mark.parametrize("level", LEVELS)
def test_level_and_coils_are_found_within_three_percent(level: float, coils: int, rng: Generator) -> None:
    noise = estimate_magnitude_noise(add_noncentral_chi_noise(head(), level, rng, coils))
    assert noise is not None
    assert noise.coils == coils
    assert noise.level == pytest.approx(level, rel=0.03)


def ghosted(image: Tensor, level: float, rng: Generator) -> Tensor:
    return add_rician_noise(image + 0.05 * image.roll(image.shape[0] // 2, 0), level, rng)


def rounded(image: Tensor, level: float, rng: Generator) -> Tensor:
    return (add_rician_noise(image, level, rng) * GRAY_LEVELS).round().clamp(0, 255) / GRAY_LEVELS


@pytest.mark.parametrize("make", [zero_filled, add_kspace_noise, ghosted, rounded])
@pytest.mark.parametrize("level", LEVELS)
def test_correlated_ghosted_and_rounded_noise_is_found_too(
    make: Callable[[Tensor, float, Generator], Tensor], level: float, rng: Generator
) -> None:
    noise = estimate_magnitude_noise(make(head(), level, rng))
    assert noise is not None
    assert noise.coils == 1
    assert noise.level == pytest.approx(level, rel=0.03)


def test_the_unit_does_not_matter(rng: Generator) -> None:
    image = add_rician_noise(head(), 0.05, rng)
    small, large = estimate_magnitude_noise(1e-6 * image), estimate_magnitude_noise(1e4 * image)
    assert small is not None
    assert large is not None
    assert large.level == pytest.approx(1e10 * small.level, rel=1e-6)


def test_the_slices_of_a_volume_share_their_noise(rng: Generator) -> None:
    shells = torch.stack([head(96) * math.exp(-0.8 * shell) for shell in range(4)])[:, None].repeat(1, 5, 1, 1)
    noise = estimate_magnitude_noise(add_rician_noise(shells, 0.04, rng))
    assert noise is not None
    assert noise.level == pytest.approx(0.04, rel=0.03)


def gaussian(image: Tensor, level: float, rng: Generator) -> Tensor:
    return image + level * torch.randn(image.shape, generator=rng, dtype=image.dtype)


@pytest.mark.parametrize("level", LEVELS)
def test_zeroed_air_tells_nothing(level: float, rng: Generator) -> None:
    image = head()
    assert estimate_magnitude_noise(torch.where(image > 0.02, add_rician_noise(image, level, rng), 0.0)) is None


@pytest.mark.parametrize("level", LEVELS)
def test_tissue_that_fills_the_image_is_not_taken_for_air(level: float, rng: Generator) -> None:
    assert estimate_magnitude_noise(add_rician_noise(head()[50:140, 60:130], level, rng)) is None


@pytest.mark.parametrize("level", [0.0, 0.02])
def test_texture_of_tissue_is_not_taken_for_noise(level: float, rng: Generator) -> None:
    smooth = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(2, 256, 256)), (0, 3, 3))
    texture = torch.tensor(np.hypot(*smooth / smooth.std()))  # Rayleigh distributed, but smooth
    assert estimate_magnitude_noise(add_rician_noise(texture, level, rng)) is None


@pytest.mark.parametrize("level", LEVELS)
def test_noise_that_was_added_to_a_magnitude_is_none_of_it(level: float, rng: Generator) -> None:
    clipped = gaussian(head(), level, rng).clamp(min=0)
    assert estimate_magnitude_noise(clipped) is None
    assert shows_clipped_noise(clipped)
    assert estimate_magnitude_noise((gaussian(head(), level, rng) + 0.3).clamp(min=0)) is None


@pytest.mark.parametrize("level", LEVELS)
def test_neither_magnitudes_nor_zeroed_air_look_clipped(level: float, rng: Generator) -> None:
    image = head()
    noisy = add_rician_noise(image, level, rng)
    assert not shows_clipped_noise(noisy)
    assert not shows_clipped_noise(torch.where(image > 0.02, noisy, 0.0))


@pytest.mark.parametrize("image", [torch.zeros((1, 64, 64)), torch.full((64, 64), 7.0), torch.ones((16, 16))])
def test_images_without_noise_tell_nothing(image: Tensor) -> None:
    assert estimate_magnitude_noise(image) is None
    assert not shows_clipped_noise(image)


@pytest.mark.slow  # alone, for its time counts
def test_a_slice_takes_no_time_that_counts(rng: Generator) -> None:
    image = add_rician_noise(head(512), 0.05, rng).float()
    start = time.process_time()
    estimate_magnitude_noise(image)
    assert time.process_time() - start < 0.5
