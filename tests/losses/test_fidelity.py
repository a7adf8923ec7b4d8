"""Claims about the fidelity loss, against a computation in numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from torch import Generator, Tensor

from monai_gan_denoise.losses import StagedFidelityLoss


@pytest.fixture
def stages(noisy_pair: tuple[Tensor, Tensor], rng: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Refined, coarse, level and noisy of two images, the second with four times the error of the first."""
    noisy, label = noisy_pair
    scale = torch.tensor([1.0, 4.0]).view(2, 1, 1, 1)

    def estimate(std: float) -> Tensor:
        return label + scale * std * torch.randn((2, *label.shape[1:]), generator=rng)

    level = 0.2 * torch.rand((2, *label.shape[1:]), generator=rng)
    return estimate(0.02), estimate(0.03), level, label + scale * (noisy - label)


def decibels(estimate: Tensor, label: Tensor) -> float:
    errors = ((estimate.double() - label.double()).numpy() ** 2).reshape(len(estimate), -1).mean(1)
    return float(np.log(errors + 1e-6).mean() / 2)


def level_error(level: Tensor, noisy: Tensor, label: Tensor) -> float:
    def window(image: np.ndarray) -> np.ndarray:
        return uniform_filter(image, size=(1, 1, 9, 9), mode="constant")

    squares = (noisy.double() - label.double()).numpy() ** 2
    truth = np.sqrt(window(squares) / window(np.ones_like(squares)))
    return float((np.abs(level.double().numpy() - truth) / (truth + 0.01)).mean())


@pytest.mark.parametrize(
    ("coarse_weight", "level_weight"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.1), (0.5, 0.1), (2.0, 3.0)]
)
def test_loss_is_the_weighted_sum_of_its_terms(
    coarse_weight: float, level_weight: float, stages: tuple[Tensor, Tensor, Tensor, Tensor], phantom: Tensor
) -> None:
    label = phantom.repeat(2, 1, 1, 1)
    refined, coarse, level, noisy = stages
    expected = decibels(refined, label) + coarse_weight * decibels(coarse, label)
    expected += level_weight * level_error(level, noisy, label)
    loss = StagedFidelityLoss(coarse_weight, level_weight)(stages, label)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_default_weights_are_a_half_and_a_tenth(stages: tuple[Tensor, Tensor, Tensor, Tensor], phantom: Tensor) -> None:
    label = phantom.repeat(2, 1, 1, 1)
    assert torch.equal(StagedFidelityLoss()(stages, label), StagedFidelityLoss(0.5, 0.1)(stages, label))


def test_decibel_weighs_the_same_at_every_noise_level(phantom: Tensor, rng: Generator) -> None:
    error = torch.randn(phantom.shape, generator=rng)
    loss = StagedFidelityLoss(coarse_weight=0, level_weight=0)

    def gain(std: float) -> float:
        weak, strong = (loss((phantom + share * std * error,) * 4, phantom) for share in (1.0, 2.0))
        return (strong - weak).item()

    assert gain(0.02) == pytest.approx(np.log(2), rel=0.01)
    assert gain(0.2) == pytest.approx(np.log(2), rel=0.01)


def test_perfect_stages_reach_the_floor_of_60_decibels(phantom: Tensor) -> None:
    perfect = (phantom, phantom, torch.zeros_like(phantom), phantom)
    loss = StagedFidelityLoss(coarse_weight=1, level_weight=1)(perfect, phantom)
    assert loss.item() == pytest.approx(2 * -60 * np.log(10) / 20)


def test_gradient_of_perfect_stages_is_finite(phantom: Tensor) -> None:
    refined, coarse, level = (phantom.clone().requires_grad_() for _ in range(3))
    StagedFidelityLoss()((refined, coarse, level, phantom), phantom).backward()
    for stage in (refined, coarse, level):
        assert stage.grad is not None
        assert bool(torch.isfinite(stage.grad).all())


def test_each_stage_is_pulled_towards_the_truth(stages: tuple[Tensor, Tensor, Tensor, Tensor], phantom: Tensor) -> None:
    label = phantom.repeat(2, 1, 1, 1)
    refined, coarse, level, noisy = stages
    leaves = [stage.clone().requires_grad_() for stage in (refined, coarse, level)]
    StagedFidelityLoss()((*leaves, noisy), label).backward()
    for leaf, stage in zip(leaves[:2], (refined, coarse), strict=True):
        assert leaf.grad is not None
        assert bool((leaf.grad * (stage - label) >= 0).all())
    assert leaves[2].grad is not None
    assert leaves[2].grad.abs().max() > 0
