"""Values far outside the range: kept from the network, and kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from torch import Generator, Tensor

from monai_gan_denoise import Denoiser
from monai_gan_denoise.engines.outliers import predict_without_outliers

METAL = (slice(60, 66), slice(60, 66))


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser(device="cpu")


@pytest.fixture
def ct() -> NDArray[np.float32]:
    """A cylinder of 40 HU in air, with noise of 25 HU."""
    y, x = np.mgrid[:128, :128] - 63.5
    noise = np.random.default_rng(5).normal(0, 25, (128, 128))
    return (np.where(np.hypot(x, y) < 52, 40.0, -1000.0) + noise).astype(np.float32)


def test_within_the_margin_nothing_is_touched(rng: Generator) -> None:
    noisy = 3 * torch.rand((2, 16, 16), generator=rng) - 1
    seen: list[Tensor] = []

    def halve(slices: Tensor) -> Tensor:
        seen.append(slices)
        return slices / 2

    assert torch.equal(predict_without_outliers(halve, noisy), noisy / 2)
    assert torch.equal(seen[0], noisy)


def test_beyond_the_margin_the_network_sees_its_edge_and_the_rest_is_kept() -> None:
    noisy = torch.full((1, 16, 16), 0.5)
    noisy[0, 3, 4], noisy[0, 5, 6] = 100.0, -50.0
    kept = noisy.clone()
    result = predict_without_outliers(lambda slices: slices / 2, noisy)
    assert torch.equal(noisy, kept)
    assert result[0, 3, 4] == 100.0 - 1.0  # of the 2 that is seen, a half is removed
    assert result[0, 5, 6] == -50.0 + 0.5  # and of the -1
    assert (result == 0.25).sum() == 16 * 16 - 2


def test_padding_is_seen_as_the_lowest_of_the_range_and_comes_back_bit_by_bit() -> None:
    noisy = torch.full((2, 16, 16), 0.5)
    noisy[0, :4], noisy[1, 0, 0] = -0.7, -0.7  # one pixel of a slice is no padding
    seen: list[Tensor] = []

    def shift(slices: Tensor) -> Tensor:
        seen.append(slices.clone())
        return slices + 0.125

    result = predict_without_outliers(shift, noisy)
    assert (seen[0][0, :4] == 0).all()
    assert torch.equal(seen[0][1], noisy[1])
    assert torch.equal(result[0, :4], noisy[0, :4])
    assert (result[0, 4:] == 0.625).all()
    assert torch.equal(result[1], noisy[1] + 0.125)


@pytest.mark.parametrize("metal", [8000.0, 30000.0])
def test_metal_does_not_ring_into_tissue(denoiser: Denoiser, ct: NDArray[np.float32], metal: float) -> None:
    ct[METAL] = metal
    denoised = denoiser.denoise(ct, modality="ct")
    near = binary_dilation(ct == metal, np.ones((5, 5))) & (ct != metal)
    assert np.abs(denoised[near] - 40).max() < 150  # HU; 662 where the network sees the metal itself
    assert np.abs(denoised[METAL] - metal).max() < 250


@pytest.mark.parametrize("padding", [-2000.0, -3024.0, -8192.0])
def test_padding_around_the_field_of_view_changes_neither_itself_nor_the_air_beside_it(
    denoiser: Denoiser, ct: NDArray[np.float32], padding: float
) -> None:
    y, x = np.mgrid[:128, :128] - 63.5
    outside = np.hypot(x, y) >= 60
    whole = denoiser.denoise(ct, modality="ct")
    denoised = denoiser.denoise(np.where(outside, np.float32(padding), ct), modality="ct")
    assert (denoised[outside] == padding).all()
    # HU: less than the noise, which reaches 88 there; 579 at -3024 where the network sees the padding itself.
    assert np.abs(denoised - whole)[~outside].max() < 88


def test_a_spike_in_a_map_leaves_all_other_voxels_alone(denoiser: Denoiser) -> None:
    y, x = np.mgrid[:128, :128] - 63.5
    image = np.where(np.hypot(x, y) < 52, 60.0, 0.0) + np.random.default_rng(1).normal(0, 2, (128, 128))
    spiked = image.astype(np.float32)
    spiked[50, 64] = 1e8
    others = np.ones(image.shape, bool)
    others[50, 64] = False
    change = np.abs(denoiser.denoise(spiked, modality="mr") - denoiser.denoise(image.astype(np.float32), modality="mr"))
    assert change[others].max() < 4  # of 60, beside the spike
    assert np.median(change[others]) < 0.1
