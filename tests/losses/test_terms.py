"""Claims about the sum of named terms."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor, nn

from monai_gan_denoise.losses import DenoisingLoss, NoiseLevelLoss

Stages = tuple[Tensor, Tensor, Tensor, Tensor]


@pytest.fixture
def stages(noisy_pair: tuple[Tensor, Tensor], rng: Generator) -> Stages:
    _, label = noisy_pair
    refined, coarse = (label + std * torch.randn(label.shape, generator=rng) for std in (0.02, 0.05))
    level, truth = 0.1 * torch.rand((2, *label.shape), generator=rng)
    return refined, coarse, level, truth


def terms() -> dict[str, nn.Module]:
    return {"absolute": nn.L1Loss(), "square": nn.MSELoss()}


def test_every_term_is_named_and_weighed(stages: Stages, phantom: Tensor) -> None:
    weights = {"absolute": 2.0, "square": 3.0, "coarse": 0.5, "level": 0.1}
    weighed = DenoisingLoss(terms(), weights)(stages, phantom)
    refined, coarse, level, truth = stages
    absolute, square = (
        [float((image - phantom).abs().pow(power).mean()) for image in (refined, coarse)] for power in (1, 2)
    )
    assert set(weighed) == {"absolute", "square", "coarse", "level"}
    assert weighed["absolute"].item() == pytest.approx(2 * absolute[0], rel=1e-5)
    assert weighed["square"].item() == pytest.approx(3 * square[0], rel=1e-5)
    assert weighed["coarse"].item() == pytest.approx(0.5 * (2 * absolute[1] + 3 * square[1]), rel=1e-5)
    assert weighed["level"].item() == pytest.approx(0.1 * NoiseLevelLoss()(level, truth).item(), rel=1e-5)


def test_a_term_without_weight_is_not_computed(stages: Stages, phantom: Tensor) -> None:
    class Forbidden(nn.Module):
        def forward(self, estimate: Tensor, label: Tensor) -> Tensor:
            raise AssertionError

    weighed = DenoisingLoss({**terms(), "forbidden": Forbidden()}, {"absolute": 1.0, "forbidden": 0.0})(stages, phantom)
    assert set(weighed) == {"absolute"}


def test_the_coarse_estimate_is_held_to_the_chosen_terms_alone(stages: Stages, phantom: Tensor) -> None:
    weights = {"absolute": 2.0, "square": 3.0, "coarse": 0.5}
    weighed = DenoisingLoss(terms(), weights, coarse_terms=["square"])(stages, phantom)
    assert weighed["coarse"].item() == pytest.approx(1.5 * (stages[1] - phantom).square().mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "coarse_terms", "message"),
    [
        ({"cubic": 1.0}, None, "weights must be of terms, got 'cubic'"),
        ({"absolute": 1.0}, ["cubic"], "coarse_terms must be of terms, got 'cubic'"),
        ({"absolute": -1.0}, None, r"weights must be at least 0, got -1\.0 for absolute"),
    ],
)
def test_a_weight_without_meaning_is_refused(
    weights: dict[str, float], coarse_terms: list[str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DenoisingLoss(terms(), weights, coarse_terms)


@pytest.mark.parametrize("name", ["coarse", "level"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"terms must not be named '{name}'"):
        DenoisingLoss({name: nn.L1Loss()}, {})
