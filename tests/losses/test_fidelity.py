"""Claims about fidelity pixel by pixel, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.losses import CharbonnierLoss, LogErrorLoss


@pytest.fixture
def estimate(phantom: Tensor, rng: Generator) -> Tensor:
    """Two images, the second with four times the error of the first."""
    scale = torch.tensor([0.02, 0.08]).view(2, 1, 1, 1)
    return phantom + scale * torch.randn((2, *phantom.shape[1:]), generator=rng)


def test_log_error_is_half_the_mean_log_of_the_mean_squares(estimate: Tensor, phantom: Tensor) -> None:
    errors = ((estimate.double() - phantom.double()).numpy() ** 2).reshape(2, -1).mean(1)
    expected = np.log(errors + 1e-4).mean() / 2
    assert LogErrorLoss(floor=1e-4)(estimate, phantom.repeat(2, 1, 1, 1)).item() == pytest.approx(expected, rel=1e-5)


def test_a_decibel_weighs_the_same_at_every_noise_level(phantom: Tensor, rng: Generator) -> None:
    error = torch.randn(phantom.shape, generator=rng)
    gains = [
        LogErrorLoss(floor=1e-6)(phantom + std * error, phantom)
        - LogErrorLoss(floor=1e-6)(phantom + std * error * 10**-0.05, phantom)
        for std in (0.01, 0.3)
    ]
    assert gains[0].item() == pytest.approx(np.log(10) / 20, rel=0.02)
    assert gains[0].item() == pytest.approx(gains[1].item(), rel=0.02)


def test_below_the_floor_an_error_hardly_counts(phantom: Tensor) -> None:
    loss = LogErrorLoss(floor=1e-4)
    gained = loss(phantom + 1e-3, phantom) - loss(phantom, phantom)
    assert gained.item() == pytest.approx(np.log(1.01) / 2, rel=1e-3)


@pytest.mark.parametrize("floor", [0.0, -1e-6])
def test_floor_that_is_not_positive_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match=f"floor must be positive, got {floor}"):
        LogErrorLoss(floor)


def test_charbonnier_is_the_absolute_error_of_large_errors_and_flat_at_none(phantom: Tensor) -> None:
    far = CharbonnierLoss()(phantom + 0.5, phantom)
    assert far.item() == pytest.approx(0.5, rel=1e-4)
    same = phantom.clone().requires_grad_()
    CharbonnierLoss()(same, phantom).backward()
    assert same.grad is not None
    assert same.grad.abs().max() == 0


def test_charbonnier_equals_its_formula(estimate: Tensor, phantom: Tensor) -> None:
    expected = np.sqrt((estimate.double() - phantom.double()).numpy() ** 2 + 1e-6).mean()
    assert CharbonnierLoss()(estimate, phantom.repeat(2, 1, 1, 1)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [LogErrorLoss(), CharbonnierLoss()])
def test_gradient_of_equal_images_is_finite(loss: torch.nn.Module, phantom: Tensor) -> None:
    same = phantom.clone().requires_grad_()
    loss(same, phantom).backward()
    assert same.grad is not None
    assert bool(same.grad.isfinite().all())
