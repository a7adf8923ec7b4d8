"""The progress bar of a training."""

from __future__ import annotations

import io

import pytest
from ignite.engine import Engine

from monai_gan_denoise.engines import TrainingProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in place of the standard error; within the test, since pytest does so before."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("monai_gan_denoise.engines.progress.REFRESH", 0.0)
    return stream


def test_the_bar_counts_the_whole_run_and_shows_the_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    engine = Engine(lambda engine, batch: {"loss": 0.25, "d_loss": 0.5})
    TrainingProgress().attach(engine)
    engine.run(range(4), max_epochs=3)
    shown = terminal.getvalue()
    assert "12/12" in shown
    assert "loss=0.250, d_loss=0.500" in shown


def test_nothing_is_drawn_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine(lambda engine, batch: {"loss": 0.25})
    TrainingProgress().attach(engine)
    engine.run(range(4))
    assert capsys.readouterr() == ("", "")


def test_an_error_closes_the_bar_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    open_terminal(monkeypatch)

    def fail(engine: Engine, batch: object) -> None:
        raise RuntimeError("broken")

    engine, progress = Engine(fail), TrainingProgress()
    progress.attach(engine)
    with pytest.raises(RuntimeError, match="broken"):
        engine.run([0])
    assert progress.bar is not None
    assert progress.bar.disable  # what tqdm says of a closed bar
