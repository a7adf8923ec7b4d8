"""Claims about the regional means that a denoised image takes from its input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom
from torch import Generator, Tensor

from monai_gan_denoise.networks.means import RegionalMeans

CELL, ERROR = 8, 1e-3


def corrected(noisy: Tensor, denoised: Tensor, level: float) -> Tensor:
    return RegionalMeans(noisy.dim() - 2, CELL, ERROR)(noisy, denoised, torch.full_like(noisy, level))


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_an_offset_goes_where_the_input_has_no_noise(spatial_dims: int, rng: Generator) -> None:
    noisy = torch.rand((2, 1, *(16,) * spatial_dims), generator=rng)
    torch.testing.assert_close(corrected(noisy, noisy + 0.1, level=0), noisy)


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize(("ratio", "share"), [(1, 1 / 2), (2, 1 / 17), (1 / 2, 16 / 17)])
def test_the_share_of_the_inputs_mean_is_known_by_its_standard_error(
    spatial_dims: int, ratio: float, share: float, rng: Generator
) -> None:
    noisy = torch.rand((1, 1, *(16,) * spatial_dims), generator=rng)
    level = ratio * ERROR * CELL ** (spatial_dims / 2)
    torch.testing.assert_close(corrected(noisy, noisy + 0.1, level), noisy + (1 - share) * 0.1)


def test_cells_are_joined_linearly(rng: Generator) -> None:
    offsets = torch.rand((3, 4), generator=rng)
    noisy = offsets.repeat_interleave(CELL, 0).repeat_interleave(CELL, 1)[None, None]
    result = corrected(noisy, torch.zeros_like(noisy), level=0)[0, 0]
    expected = zoom(offsets.numpy(), CELL, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_the_bias_of_magnitude_noise_does_not_come_back() -> None:
    level = 0.03  # of the range; in the background, where the image is 0, Rayleigh's mean
    background = torch.full((1, 1, 32, 32), level * (np.pi / 2) ** 0.5)
    assert corrected(background, torch.zeros_like(background), level).max() < 0.01 * background.max()


def test_details_of_a_cell_stay(rng: Generator) -> None:
    noisy, denoised = torch.rand((2, 1, 1, 32, 32), generator=rng)
    change = (corrected(noisy, denoised, level=0) - denoised)[0, 0]
    assert change.diff(dim=0).abs().max() <= 1 / CELL
    assert change.abs().max() > 0.01


def test_neither_half_precision_nor_its_gradient_leaves_the_numbers(rng: Generator) -> None:
    noisy, denoised = torch.rand((2, 1, 1, 32, 32), generator=rng).half()
    level = torch.rand((1, 1, 32, 32), generator=rng).half().requires_grad_()
    denoised.requires_grad_()
    result = RegionalMeans(2, CELL, ERROR)(noisy, denoised, level)
    result.float().sum().backward()
    assert result.isfinite().all()
    assert denoised.grad is not None
    assert denoised.grad.isfinite().all()
    assert level.grad is None


@pytest.mark.parametrize("error", [0, -1e-3])
def test_an_error_that_is_not_positive_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match=f"error must be positive, got {error}"):
        RegionalMeans(2, CELL, error)
