"""The best validation: what is kept of it, when a training ends for want of a better one, and what resuming knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from ignite.metrics import Metric
from monai.engines import Evaluator
from torch import nn

from monai_gan_denoise.engines import BestSaver, EarlyStop


class Scripted(Metric):
    """A metric that says what it is told to."""

    def __init__(self, scores: Sequence[float]) -> None:
        super().__init__(output_transform=lambda _: 0)
        self.scores = iter(scores)

    def reset(self) -> None:
        pass

    def update(self, output: Any) -> None:
        pass

    def compute(self) -> float:
        return next(self.scores)


def validate(scores: Sequence[float], path: Path, patience: int = 9, earlier: Any = None) -> EarlyStop:
    """Train by numbering the epochs, a weight being the number, and validate each."""
    network = nn.Linear(1, 1)
    stop, first = EarlyStop(patience), 0 if earlier is None else earlier["best_epoch"] + earlier["waited"]
    handlers = [BestSaver(network, path), stop]
    metric = {"psnr": Scripted(scores)}
    evaluator = Evaluator(
        "cpu", [0], iteration_update=lambda *_: {}, key_val_metric=metric, val_handlers=handlers, decollate=False
    )
    if earlier is not None:
        stop.load_state_dict(earlier)
    trainer = Engine(lambda engine, batch: nn.init.constant_(network.weight, first + engine.state.epoch))
    stop.set_trainer(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(first + engine.state.epoch))
    trainer.run([0], max_epochs=len(scores))
    stop.epochs = first + trainer.state.epoch  # type: ignore[attr-defined]
    return stop


def kept(path: Path) -> float:
    return float(torch.load(path, weights_only=True)["weight"])


def test_the_weights_of_the_best_validation_are_kept(tmp_path: Path) -> None:
    validate([20.0, 30.0, 25.0, 30.0], tmp_path / "best.pt")
    assert kept(tmp_path / "best.pt") == 2


def test_training_ends_after_as_many_validations_without_a_better_one(tmp_path: Path) -> None:
    assert validate([20.0, 19.0, 21.0, 20.0, 21.0, 30.0], tmp_path / "best.pt", patience=2).epochs == 5


def test_what_a_resumed_run_knows_is_what_an_uninterrupted_one_knows(tmp_path: Path) -> None:
    scores = [20.0, 30.0, 25.0, 28.0, 29.0, 31.0]
    whole = validate(scores, tmp_path / "whole.pt", patience=3)
    halted = validate(scores[:3], tmp_path / "best.pt", patience=3)
    resumed = validate(scores[3:], tmp_path / "best.pt", patience=3, earlier=halted.state_dict())
    assert resumed.epochs == whole.epochs == 5
    assert resumed.state_dict() == whole.state_dict() == {"best": 30.0, "best_epoch": 2, "waited": 3}
    assert kept(tmp_path / "best.pt") == kept(tmp_path / "whole.pt") == 2


def test_without_a_validation_there_is_nothing_to_know() -> None:
    stop = EarlyStop(1)
    stop.load_state_dict({"best": 30.0, "best_epoch": 2, "waited": 1})
    assert stop.state_dict() == {}


def test_a_patience_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match=r"patience must be positive, got 0\. Pass a large one"):
        EarlyStop(0)
