"""Scans on their way from files to files, several at once: while one is in the network, another loads or writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Condition, Event
from typing import Any

import torch
from monai.data import Dataset
from torch import Tensor

__all__ = ["finish_scans"]

SMALL = 2**26  # voxels, 256 MB in float32: a scan of up to this many may wait in memory while others are worked on

Item = dict[str, Any]
Step = Callable[[Item], Item]


def finish_scans(dataset: Dataset, compute: Step, write: Step, jobs: int, stop: Event) -> Generator[Item, None, None]:
    """Load, compute and write scans in threads.

    ``jobs`` scans compute at a time, and one more loads or writes meanwhile. Of scans larger than ``SMALL`` there are
    never more than ``jobs`` in memory: the next one loads when one is written.

    Args:
        dataset: loads the scans.
        compute: what the processor is busy with; each job has its share of torch's threads.
        write: what follows.
        jobs: how many scans compute at a time.
        stop: set when the caller leaves early, so that ``compute`` may end early as well.

    Yields:
        The finished items in the order of the scans, whatever the number of jobs. An item is emptied when the next one
        is asked for, so that nobody's reference to it holds a volume.

    Raises:
        ValueError: if ``jobs`` is not positive.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}. Pass how many scans to work on at a time.")
    large, turns = _Passage(jobs), _Passage(jobs)

    def finish(index: int) -> Item:
        with ExitStack() as held:
            held.enter_context(large.of(index))
            try:
                item = dataset[index]
            except BaseException:
                with turns.of(index):  # or those behind it would wait for ever
                    raise
            if _voxels(item) <= SMALL:
                held.close()
            with torch.inference_mode():
                with turns.of(index):
                    item = compute(item)
                return write(item)

    with _shared_threads(jobs), ThreadPoolExecutor(jobs + 1, "scan") as pool:
        waiting: deque[Future[Item]] = deque()
        try:
            for index in range(len(dataset)):
                waiting.append(pool.submit(finish, index))
                if len(waiting) > jobs:
                    yield from _emptied(waiting.popleft())
            while waiting:
                yield from _emptied(waiting.popleft())
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)  # OUTPUT is given back only when nobody writes there any more


class _Passage:
    """Let scans in one after the other, in their order, so many at a time: what ends a run early ends it at one scan.

    Args:
        room: how many may be inside.
    """

    def __init__(self, room: int) -> None:
        self.room, self.next = room, 0
        self.changed = Condition()

    @contextmanager
    def of(self, index: int) -> Iterator[None]:
        """Wait until all scans before this one have been let in, and there is room."""
        with self.changed:
            self.changed.wait_for(lambda: self.next == index and self.room > 0)
            self.next += 1
            self.room -= 1
            self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.room += 1
                self.changed.notify_all()


def _emptied(future: Future[Item]) -> Iterator[Item]:
    item = future.result()
    yield item
    item.clear()


def _voxels(item: Item) -> int:
    """Count those of a loaded scan; none of one that is refused."""
    return item["image"].numel() if isinstance(item["image"], Tensor) else 0


@contextmanager
def _shared_threads(jobs: int) -> Iterator[None]:
    """Give each job its share of the threads that torch computes with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // jobs))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
