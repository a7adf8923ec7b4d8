"""Random states that follow from seed and epoch, and the position of a run."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.transforms import RandScaleIntensity

from monai_gan_denoise.engines import EpochSeeds, RunPosition
from monai_gan_denoise.scans.errors import InputError

Drawn = tuple[float, float, float, float]


def draw(epochs: int, first: int = 1, **settings: object) -> list[Drawn]:
    """What Python, NumPy, torch and a transform draw, first thing in each epoch."""
    source = RandScaleIntensity(0.1, prob=1.0)
    drawn: list[Drawn] = []

    def step(engine: Engine, batch: object) -> None:
        numbers = random.random(), float(np.random.rand()), torch.rand(()).item(), float(source.R.rand())
        drawn.append(numbers)

    engine = Engine(step)
    EpochSeeds(**{"seed": 5, "sources": [source], **settings}).attach(engine)
    position = RunPosition()
    position.attach(engine)
    engine.add_event_handler(
        Events.STARTED, lambda: position.load_state_dict({"epoch": first - 1, "iteration": first - 1})
    )
    engine.run([0], max_epochs=first - 1 + epochs)
    return drawn


def test_an_epoch_draws_the_same_whatever_came_before() -> None:
    assert draw(3)[2] == draw(1, first=3)[0]


def test_epochs_differ_in_every_source() -> None:
    drawn = draw(3)
    assert all(len(set(numbers)) == 3 for numbers in zip(*drawn, strict=True))


def test_another_seed_and_another_rank_draw_otherwise() -> None:
    drawn = [draw(1)[0], draw(1, seed=6)[0], draw(1, rank=1)[0]]
    assert all(len(set(numbers)) == 3 for numbers in zip(*drawn, strict=True))


def test_validation_draws_the_same_in_every_epoch_and_leaves_the_trainings_draws_alone() -> None:
    torch.manual_seed(0)
    first, second = draw(2, varying=False)
    assert first[3] == second[3]
    torch.manual_seed(0)
    assert [first[2], second[2]] == [torch.rand(()).item(), torch.rand(()).item()]


def test_position_is_given_and_taken() -> None:
    engine = Engine(lambda engine, batch: None)
    position = RunPosition()
    position.attach(engine)
    engine.run([0, 1, 2], max_epochs=2)
    assert position.state_dict() == {"epoch": 2, "iteration": 6, "validation": {}, "settings": {}}
    position.load_state_dict({"epoch": 1, "iteration": 3})
    assert (engine.state.epoch, engine.state.iteration) == (1, 3)


def test_settings_must_be_those_that_the_run_began_with() -> None:
    begun, other, same = (
        RunPosition(settings={"seed": 0, "warmup": warmup, **more})
        for warmup, more in ((3, {}), (4, {}), (3, {"introduced": 7}))
    )
    for position in (begun, other, same):
        position.attach(Engine(lambda engine, batch: None))
    with pytest.raises(InputError, match=r"warmup must be 3, as the run began with, got 4\. Resume with the run's own"):
        other.load_state_dict(begun.state_dict())
    same.load_state_dict(begun.state_dict())  # a setting that an earlier version did not have


def test_position_without_an_engine_is_refused() -> None:
    with pytest.raises(ValueError, match=r"position must be attached to an engine, got none. List it before"):
        RunPosition().state_dict()
