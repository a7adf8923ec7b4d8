"""How far a denoising is, in the log: a server has no terminal for a bar."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["progress_in_log"]

logger = logging.getLogger(__name__)

PAUSE = 2.0  # seconds between two lines


@contextmanager
def progress_in_log(network: nn.Module, name: str) -> Iterator[None]:
    """Log every few seconds how many slices a network has seen, and how fast, while the block runs.

    Args:
        network: gets batches of slices, ``(B, 1, H, W)``.
        name: what the lines call the image.
    """
    begin = told = time.monotonic()
    count = 0

    def tell(_: nn.Module, inputs: tuple[Any, ...], __: Any) -> None:
        nonlocal count, told
        count += len(inputs[0])
        now = time.monotonic()
        if now - told >= PAUSE:
            told = now
            logger.info("%s: %d slices denoised, %.1f a second", name, count, count / (now - begin))

    handle = network.register_forward_hook(tell)
    try:
        yield
    finally:
        handle.remove()
