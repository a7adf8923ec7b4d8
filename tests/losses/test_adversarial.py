"""Claims about the game, against the formulas of its papers in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.losses import AdversarialLoss, FeatureMatchingLoss


@pytest.fixture
def logits(rng: Generator) -> tuple[Tensor, Tensor]:
    """Logits of real and of fake images, some beyond any margin."""
    real, fake = 3 * torch.randn((2, 4, 1, 5, 5), generator=rng)
    return real, fake


def test_least_squares_aims_at_one_and_zero(logits: tuple[Tensor, Tensor]) -> None:
    real, fake = (side.double().numpy() for side in logits)
    loss = AdversarialLoss("least-squares")
    expected = ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2
    assert loss.discriminator(*logits).item() == pytest.approx(expected, rel=1e-5)
    assert loss.generator(*logits).item() == pytest.approx(((fake - 1) ** 2).mean(), rel=1e-5)


def test_relativistic_hinge_compares_each_side_with_the_mean_of_the_other(logits: tuple[Tensor, Tensor]) -> None:
    real, fake = (side.double().numpy() for side in logits)
    loss = AdversarialLoss("relativistic-hinge")

    def hinge(upper: np.ndarray, lower: np.ndarray) -> float:
        first = np.maximum(0, 1 - (upper - lower.mean())).mean()
        return float(first + np.maximum(0, 1 + (lower - upper.mean())).mean()) / 2

    assert loss.discriminator(*logits).item() == pytest.approx(hinge(real, fake), rel=1e-5)
    assert loss.generator(*logits).item() == pytest.approx(hinge(fake, real), rel=1e-5)


def test_beyond_the_margin_the_hinge_lets_go() -> None:
    real, fake = torch.full((4,), 5.0, requires_grad=True), torch.full((4,), -5.0)
    loss = AdversarialLoss("relativistic-hinge").discriminator(real, fake)
    loss.backward()
    assert loss.item() == 0
    assert real.grad is not None
    assert real.grad.abs().max() == 0


def test_an_unknown_game_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of least-squares, relativistic-hinge, got 'wasserstein'"):
        AdversarialLoss("wasserstein")


def test_feature_matching_is_the_mean_over_layers_whatever_their_size(rng: Generator) -> None:
    fake = [torch.rand((2, 8, 16, 16), generator=rng), torch.rand((2, 16, 8, 8), generator=rng)]
    real = [layer + shift for layer, shift in zip(fake, (0.1, -0.5), strict=True)]
    assert FeatureMatchingLoss()(fake, real).item() == pytest.approx(0.3, rel=1e-5)
