"""Ignite handlers that MONAI and Ignite lack: what keeps a training sound."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from ignite.handlers import DiskSaver
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys
from torch import nn
from torch.nn.utils import clip_grad_norm_

__all__ = ["GradientClipping", "LossGuard", "TrainingError", "WeightsSaver", "save_weights"]


class TrainingError(ValueError):
    """A training that cannot go on."""


class GradientClipping:
    """Limit the norm of the network's gradient before every optimizer step.

    Args:
        network: the network that is trained.
        max_norm: largest norm of all gradients together.
    """

    def __init__(self, network: nn.Module, max_norm: float) -> None:
        self.network = network
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Clip after every backward pass."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Clip now.

        Raises:
            TrainingError: if the gradient is not finite, before the optimizer spoils the weights with it.
        """
        norm = float(clip_grad_norm_(self.network.parameters(), self.max_norm))
        if not math.isfinite(norm):
            raise TrainingError(_not_finite("gradient", norm, engine))


class LossGuard:
    """Stop before the weights are spoiled, once the loss is not finite; the last checkpoint stays the good one."""

    def attach(self, engine: Engine) -> None:
        """Look at every loss before its gradient is taken."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Look now.

        Raises:
            TrainingError: if the loss is not finite.
        """
        output: dict[str, Any] = engine.state.output  # type: ignore[assignment]
        loss = float(output[CommonKeys.LOSS])
        if not math.isfinite(loss):
            terms = ", ".join(name for name, term in output.get("terms", {}).items() if not math.isfinite(term))
            raise TrainingError(_not_finite(f"loss ({terms})" if terms else "loss", loss, engine))


class WeightsSaver:
    """Write a network's weights as a plain state dict, whole or not at all, at the end of the run and once before.

    Args:
        network: whose weights are written, for example the moving average's.
        path: where the weights go at the end.
        milestone: where they go once ``iteration`` is done, if that is within the run.
        iteration: the iteration of the milestone; 0 for none.
    """

    def __init__(self, network: nn.Module, path: str | Path, milestone: str | Path = "", iteration: int = 0) -> None:
        self.network, self.path = network, Path(path)
        self.milestone, self.iteration = Path(milestone), iteration

    def attach(self, engine: Engine) -> None:
        """Save at the milestone and at the end."""
        if self.iteration > 0:
            engine.add_event_handler(Events.ITERATION_COMPLETED(once=self.iteration), self._save, self.milestone)
        engine.add_event_handler(Events.COMPLETED, self._save, self.path)

    def _save(self, path: Path) -> None:
        save_weights(self.network, path)


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights as a plain state dict, whole or not at all.

    Args:
        network: whose weights are written.
        path: where they go; its folder is made.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    DiskSaver(str(path.parent), require_empty=False)(weights, path.name)


def _not_finite(what: str, value: float, engine: Engine) -> str:
    state = engine.state
    return (
        f"{what} must be finite, got {value} in iteration {state.iteration} (epoch {state.epoch}). The last checkpoint "
        "is good, and keeps its learning rate: begin another run with a lower one."
    )
