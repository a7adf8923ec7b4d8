"""Errors that speak to users, out of the wrapping that MONAI puts around what fails in a configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["end_unless", "unwrapped"]

logger = logging.getLogger(__name__)

UNUSABLE = 2  # exit code, as of the command line


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the first ``ValueError`` or ``OSError`` among the causes of a ``RuntimeError``; others pass as they are."""
    try:
        yield
    except RuntimeError as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, (ValueError, OSError)):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from None


def end_unless(*uses: Callable[[], Any]) -> None:
    """Use settings as they are going to be used, before MONAI does and buries what is wrong with one in a traceback.

    Args:
        uses: each is called once, and what it returns dropped.

    Raises:
        SystemExit: if one raises ``ValueError``, whose line is logged.
    """
    for use in uses:
        try:
            use()
        except ValueError as error:
            logger.error("%s", error)
            raise SystemExit(UNUSABLE) from error
