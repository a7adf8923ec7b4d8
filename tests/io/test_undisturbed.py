"""Signals that wait until what is begun is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from monai_gan_denoise.io.atomic import undisturbed

told: list[int] = []


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Note SIGINT and SIGTERM."""
    told.clear()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: told.append(number)) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_block_comes_once_after_it(number: int) -> None:
    handler = signal.getsignal(number)
    with undisturbed():
        signal.raise_signal(number)
        assert told == []
    assert told == [number]
    assert signal.getsignal(number) is handler


def test_blocks_within_blocks_wait_for_the_outer_one() -> None:
    with undisturbed():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
        assert told == []
    assert told == [signal.SIGINT]


def test_an_error_and_a_signal_both_come_through() -> None:
    with pytest.raises(OSError, match="full"), undisturbed():  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        raise OSError("full")
    assert told == [signal.SIGTERM]


def test_another_thread_changes_no_handler() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def run() -> None:
        with undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
