"""Work shared out to processes of one thread each, many at a time or one by itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_all_start_methods, get_context
from typing import TypeVar

import torch

__all__ = ["THREADS", "alone", "one_thread_a_process", "spread"]

THREADS = 1  # of every process: torch's sums, and worse ANTs', end in other bits with more
VARIABLES = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")  # read at a library's start
PRELOADED = "monai_gan_denoise.benchmark.methods"

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Give the results in the order of the items.

    Args:
        function: of a module, so that processes find it.
        items: its arguments.
        jobs: processes; 1 for this one alone.
    """
    with one_thread_a_process():
        if jobs == 1:
            yield from map(function, items)
            return
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), _silence_libraries)
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)


def alone(function: Callable[[Item], Result], item: Item) -> Result:
    """Give the result of a process that does nothing else, and wait for its end.

    Where the system can fork, it is forked from a server that has imported the methods once: seconds less a process.

    Raises:
        concurrent.futures.process.BrokenProcessPool: if the process dies.
    """
    context = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
    context.set_forkserver_preload([PRELOADED])
    with one_thread_a_process(), ProcessPoolExecutor(1, context, _keep_to_one_thread) as pool:
        return pool.submit(function, item).result()


def _silence_libraries() -> None:
    """Let what stops a method come back as its note, and nothing else reach the terminal from a process."""
    logging.captureWarnings(True)
    logging.getLogger().addHandler(logging.NullHandler())


def _keep_to_one_thread() -> None:
    _silence_libraries()
    torch.set_num_threads(THREADS)  # the server may have started before the variables were set


@contextmanager
def one_thread_a_process() -> Iterator[None]:
    """Keep this process, and those that start in the meantime, to one thread."""
    threads, before = torch.get_num_threads(), {name: os.environ.get(name) for name in VARIABLES}
    torch.set_num_threads(THREADS)
    os.environ.update(dict.fromkeys(VARIABLES, str(THREADS)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
