"""The best validation so far: its weights are kept, and a training that no longer improves ends.

MONAI's CheckpointSaver and EarlyStopHandler each keep a record of their own, which a resumed run would begin anew, and
so replace the best weights by worse. These go by the engine's one record, ``best_metric_epoch``, and put it into the
trainer's checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from monai_gan_denoise.engines.handlers import save_weights

__all__ = ["BestSaver", "EarlyStop"]


class BestSaver:
    """Write a network's weights as a plain state dict, whole or not at all, after a validation that was the best.

    Args:
        network: whose weights are written, for example the moving average's.
        path: where they go.
    """

    def __init__(self, network: nn.Module, path: str | Path) -> None:
        self.network, self.path = network, Path(path)

    def attach(self, engine: Engine) -> None:
        """Save after validations of MONAI's evaluator."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Save now if this is the best."""
        if _is_best(engine):
            save_weights(self.network, self.path)


class EarlyStop:
    """End a training once too many validations in a row were no better than the best before.

    Args:
        patience: how many.

    Raises:
        ValueError: if ``patience`` is not positive.
    """

    def __init__(self, patience: int) -> None:
        if patience < 1:
            raise ValueError(f"patience must be positive, got {patience}. Pass a large one never to stop early.")
        self.patience, self.waited = patience, 0
        self.trainer: Engine | None = None
        self.validator: Engine | None = None

    def set_trainer(self, trainer: Engine) -> None:
        """Take the training that is ended."""
        self.trainer = trainer

    def attach(self, engine: Engine) -> None:
        """Look at validations of MONAI's evaluator."""
        self.validator = engine
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Look now."""
        self.waited = 0 if _is_best(engine) else self.waited + 1
        if self.waited >= self.patience and self.trainer is not None:
            self.trainer.terminate()

    def state_dict(self) -> dict[str, Any]:
        """Give the best validation, and how many came after it; nothing if nothing is validated."""
        if self.validator is None:
            return {}
        state: Any = self.validator.state
        return {"best": float(state.best_metric), "best_epoch": state.best_metric_epoch, "waited": self.waited}

    def load_state_dict(self, validation: Mapping[str, Any]) -> None:
        """Set what ``state_dict`` gave."""
        if self.validator is None or not validation:
            return
        state: Any = self.validator.state
        state.best_metric, state.best_metric_epoch = validation["best"], validation["best_epoch"]
        self.waited = validation["waited"]


def _is_best(engine: Any) -> bool:
    return bool(engine.state.best_metric_epoch == engine.state.epoch)
