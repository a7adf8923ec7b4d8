"""Claims about edges, means, spectrum and noise level, against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.losses import FocalFrequencyLoss, GradientLoss, MeanPreservationLoss, NoiseLevelLoss


def test_gradient_loss_is_the_mean_difference_of_neighbors(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = noisy_pair
    error = (noisy.double() - label.double())[0, 0].numpy()
    expected = (np.abs(np.diff(error, axis=0)).mean() + np.abs(np.diff(error, axis=1)).mean()) / 2
    assert GradientLoss()(noisy, label).item() == pytest.approx(expected, rel=1e-5)


def test_gradient_loss_does_not_see_a_shift(phantom: Tensor) -> None:
    assert GradientLoss()(phantom + 0.2, phantom).item() == pytest.approx(0, abs=1e-6)


def test_mean_loss_sees_a_shift_and_no_white_noise(phantom: Tensor, rng: Generator) -> None:
    noise = 0.1 * torch.randn(phantom.shape, generator=rng)
    shifted, noisy = (MeanPreservationLoss()(phantom + change, phantom).item() for change in (0.1, noise))
    assert shifted == pytest.approx(0.1, rel=1e-4)
    # The mean of 256 independent values deviates by a sixteenth, its absolute value by sqrt(2 / pi) of that.
    assert noisy == pytest.approx(0.1 / 16 * np.sqrt(2 / np.pi), rel=0.35)


def test_frequency_loss_weighs_every_frequency_by_its_own_error(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = (image[0, 0].double().numpy() for image in noisy_pair)
    magnitudes = np.abs(np.fft.rfft2(noisy - label, norm="ortho"))
    expected = (magnitudes / magnitudes.max() * magnitudes**2).mean()
    assert FocalFrequencyLoss()(*noisy_pair).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", [GradientLoss(), MeanPreservationLoss(), FocalFrequencyLoss()])
def test_gradient_of_equal_images_is_finite(loss: torch.nn.Module, phantom: Tensor) -> None:
    same = phantom.clone().requires_grad_()
    loss(same, phantom).backward()
    assert same.grad is not None
    assert bool(same.grad.isfinite().all())


def test_noise_level_is_compared_with_the_true_one_by_its_logarithm_but_near_zero(rng: Generator) -> None:
    level, truth = 0.2 * torch.rand((2, 1, 1, 32, 32), generator=rng)
    truth[..., :8] = 0
    found, wanted = (image.double().numpy() for image in (level, truth))
    expected = np.mean(np.log((found + 0.005) / (wanted + 0.005)) ** 2)
    assert NoiseLevelLoss()(level, truth).item() == pytest.approx(expected, rel=1e-5)


def test_doubt_between_two_noise_levels_gives_one_between() -> None:
    truth = torch.tensor([0.0, 0.05]).reshape(2, 1, 1, 1)
    guesses = torch.linspace(0, 0.06, 241)
    errors = [NoiseLevelLoss()(guess.expand(2, 1, 1, 1), truth).item() for guess in guesses]
    assert guesses[int(np.argmin(errors))].item() == pytest.approx(np.sqrt(0.005 * 0.055) - 0.005, abs=3e-4)
