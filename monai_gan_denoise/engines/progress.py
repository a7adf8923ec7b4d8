"""How far a training is: one bar for the whole run, with the loss and the time that is left."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events
from monai.utils import CommonKeys, GanKeys
from tqdm import tqdm

__all__ = ["TrainingProgress"]

REFRESH = 1.0  # seconds between two drawings of the bar


class TrainingProgress:
    """Show a progress bar where there is a terminal to draw it on.

    Ignite's bar counts one epoch; this one counts the run, so that its estimate is of the time until the end.
    """

    def __init__(self) -> None:
        self.bar: tqdm[Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Open at the start, step after every iteration, close at the end and on errors."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        for event in (Events.COMPLETED, Events.TERMINATE, Events.EXCEPTION_RAISED):
            engine.add_event_handler(event, self._close)

    def _open(self, engine: Engine) -> None:
        state = engine.state
        total = (state.max_epochs or 0) * (state.epoch_length or 0)
        self.bar = tqdm(total=total, initial=state.iteration, unit="it", mininterval=REFRESH, disable=None)

    def _step(self, engine: Engine) -> None:
        if self.bar is not None and not self.bar.disable:
            output: dict[str, Any] = engine.state.output  # type: ignore[assignment]
            shown = {"loss": f"{float(output[CommonKeys.LOSS]):.3f}"}
            if GanKeys.DLOSS in output:
                shown["d_loss"] = f"{float(output[GanKeys.DLOSS]):.3f}"
            self.bar.set_postfix(shown, refresh=False)
            self.bar.update()

    def _close(self, _engine: Engine, *error: Exception) -> None:
        if self.bar is not None:
            self.bar.close()
        if error:  # a handler of exceptions takes them over, unless it passes them on
            raise error[0]
