"""A run that was killed goes on as if it had not been: its position, and random states that follow from it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.transforms import Randomizable

from monai_gan_denoise.engines.best import EarlyStop
from monai_gan_denoise.scans.errors import InputError

__all__ = ["EpochSeeds", "RunPosition"]


class RunPosition:
    """Epoch and iteration of a run, its best validation and its settings, beside networks and optimizers.

    MONAI's own checkpoint of a trainer holds whole modules, which ``weights_only`` refuses. Must be attached before the
    ``CheckpointLoader``.

    Args:
        validation: what knows the best validation.
        settings: numbers by name that must be the same when the run goes on; with others the schedule would be neither
            the old nor the new, and rates are those of the checkpoint whatever the configuration says.
    """

    def __init__(self, validation: EarlyStop | None = None, settings: Mapping[str, float] | None = None) -> None:
        self.engine: Engine | None = None
        self.validation, self.settings = validation, dict(settings or {})

    def attach(self, engine: Engine) -> None:
        """Take the position of this engine."""
        self.engine = engine

    def state_dict(self) -> dict[str, Any]:
        """Give the position, and what belongs to it."""
        state = self._attached().state
        validation = {} if self.validation is None else self.validation.state_dict()
        return {"epoch": state.epoch, "iteration": state.iteration, "validation": validation, "settings": self.settings}

    def load_state_dict(self, position: Mapping[str, Any]) -> None:
        """Set the engine, which must be about to start, to a position.

        Raises:
            InputError: if the run began with other settings.
        """
        for name, begun in position.get("settings", {}).items():  # checkpoints of earlier versions lack them
            if self.settings.get(name, begun) != begun:
                raise InputError(
                    f"{name} must be {begun}, as the run began with, got {self.settings[name]}. "
                    "Resume with the run's own settings, or begin another in a folder of its own."
                )
        state = self._attached().state
        state.epoch, state.iteration = int(position["epoch"]), int(position["iteration"])
        if self.validation is not None:
            self.validation.load_state_dict(position.get("validation", {}))

    def _attached(self) -> Engine:
        if self.engine is None:
            raise ValueError("position must be attached to an engine, got none. List it before the CheckpointLoader.")
        return self.engine


class EpochSeeds:
    """Seed every source of randomness anew at the start of an epoch, from the run's seed and the epoch's number.

    So a run resumed at an epoch draws what an uninterrupted one would have, and no random state need be kept.

    Args:
        seed: of the run.
        sources: transforms that have a random state of their own.
        varying: whether epochs differ; False for validation, whose noise must be the same every time.
        rank: of the process among those that train together, each of which draws its own images and noise.
    """

    def __init__(self, seed: int, sources: Sequence[Randomizable], varying: bool = True, rank: int = 0) -> None:
        self.seed, self.sources, self.varying, self.rank = seed, sources, varying, rank

    def attach(self, engine: Engine) -> None:
        """Seed at every epoch's start."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed now."""
        entropy = (self.seed, self.rank, engine.state.epoch if self.varying else 0)
        seeds = np.random.SeedSequence(entropy).generate_state(1 + len(self.sources)).tolist()
        for source, seed in zip(self.sources, seeds[1:], strict=True):
            source.set_random_state(seed)
        if self.varying:  # a validation in between must not change what the training draws
            random.seed(seeds[0])
            np.random.seed(seeds[0])
            torch.manual_seed(seeds[0])
