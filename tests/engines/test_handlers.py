"""Handlers of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import nn

from monai_gan_denoise.engines import GradientClipping, LossGuard, TrainingError, WeightsSaver


def test_the_gradient_is_shortened_to_its_largest_norm_and_not_turned() -> None:
    network = nn.Linear(2, 1, bias=False)
    clipping = GradientClipping(network, 1.0)
    network.weight.grad = torch.tensor([[3.0, 4.0]])
    clipping(Engine(lambda engine, batch: None))
    torch.testing.assert_close(network.weight.grad, torch.tensor([[0.6, 0.8]]))


def test_a_short_gradient_stays_as_it_is() -> None:
    network = nn.Linear(2, 1, bias=False)
    network.weight.grad = torch.tensor([[0.3, 0.4]])
    GradientClipping(network, 1.0)(Engine(lambda engine, batch: None))
    torch.testing.assert_close(network.weight.grad, torch.tensor([[0.3, 0.4]]))


def test_it_acts_after_every_backward_pass() -> None:
    network = nn.Linear(1, 1, bias=False)
    norms = []

    def step(engine: Engine, batch: float) -> None:
        network.weight.grad = torch.full((1, 1), batch)
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norms.append(network.weight.grad.item())

    engine = Engine(step)
    engine.register_events(*IterationEvents)
    GradientClipping(network, 2.0).attach(engine)
    engine.run([1.0, 8.0, -8.0])
    torch.testing.assert_close(torch.tensor(norms), torch.tensor([1.0, 2.0, -2.0]), rtol=1e-5, atol=1e-5)


def test_a_gradient_that_is_not_finite_is_refused() -> None:
    network = nn.Linear(2, 1, bias=False)
    network.weight.grad = torch.tensor([[1.0, float("inf")]])
    with pytest.raises(TrainingError, match=r"gradient must be finite, got inf in iteration 0 .* another run with a l"):
        GradientClipping(network, 1.0)(Engine(lambda engine, batch: None))


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_refused_with_its_terms(loss: float) -> None:
    engine = Engine(lambda engine, batch: None)
    engine.state.output = {"loss": torch.tensor(loss), "terms": {"mean": loss, "gradient": 1.0}}
    with pytest.raises(TrainingError, match=rf"loss \(mean\) must be finite, got {loss} in iteration 0"):
        LossGuard()(engine)


def test_a_finite_loss_passes() -> None:
    engine = Engine(lambda engine, batch: None)
    engine.state.output = {"loss": torch.tensor(-3.0)}
    LossGuard()(engine)


def grow(network: nn.Linear, output_dir: Path, iterations: int, milestone: int) -> None:
    """Add 1 to the weight in every iteration, with the weights saved."""

    def step(engine: Engine, batch: object) -> None:
        with torch.no_grad():
            network.weight += 1

    engine = Engine(step)
    WeightsSaver(network, output_dir / "model.pt", output_dir / "model_fidelity.pt", milestone).attach(engine)
    engine.run(range(iterations))


def test_weights_are_saved_at_the_milestone_and_at_the_end(tmp_path: Path) -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    grow(network, tmp_path, iterations=5, milestone=3)
    saved = {path.name: torch.load(path, weights_only=True)["weight"].item() for path in tmp_path.iterdir()}
    assert saved == {"model.pt": 5.0, "model_fidelity.pt": 3.0}


@pytest.mark.parametrize("milestone", [0, 9])
def test_a_milestone_outside_the_run_leaves_no_file(tmp_path: Path, milestone: int) -> None:
    grow(nn.Linear(1, 1, bias=False), tmp_path, iterations=5, milestone=milestone)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_saved_weights_are_a_plain_state_dict(tmp_path: Path) -> None:
    network = nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)
    WeightsSaver(network, tmp_path / "model.pt").attach(engine := Engine(lambda engine, batch: None))
    engine.run([0])
    fresh = nn.Conv2d(4, 8, 3)
    fresh.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(fresh.weight, network.weight)
    assert torch.load(tmp_path / "model.pt", weights_only=True)["weight"].is_contiguous()
