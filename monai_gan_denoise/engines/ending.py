"""How a run over scans ends: by itself, by Ctrl-C or by SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ignite.engine import EventEnum

__all__ = ["Interruption", "ScanEvents", "interruptible"]

SHELL_BASE = 128  # POSIX shells report a program that a signal ended as 128 + the signal's number


class ScanEvents(EventEnum):
    """What an engine over scans tells besides Ignite's own events."""

    ENDED = "ended"  # in whatever way; Ignite's COMPLETED does not come after an interruption


class Interruption(KeyboardInterrupt):
    """A signal that asks the run to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = SHELL_BASE + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise ``Interruption`` on SIGINT and SIGTERM within the block, unless a host or a shell handles them itself."""
    before = {}
    if threading.current_thread() is threading.main_thread():  # signals can be handled there alone
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            if signal.getsignal(number) is usual:
                before[number] = signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, _: FrameType | None) -> None:
    raise Interruption(number)
