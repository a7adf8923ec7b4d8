"""Handlers of our own."""

from __future__ import annotations

import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import nn

from monai_gan_denoise.engines import GradientClipping


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
