"""What became of the scans of a run, told as it happens."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Outcomes"]

logger = logging.getLogger(__name__)


class Outcomes:
    """Counts series written and failed; a line for each goes to the log."""

    def __init__(self) -> None:
        self.written = 0
        self.failed = 0

    @property
    def exit_code(self) -> int:
        """0 if all were written, 1 if some failed, 2 if nothing was written."""
        return 2 if not self.written else 1 if self.failed else 0

    def pass_over(self, reason: str) -> None:
        """Tell what is left out on purpose."""
        logger.info("%s", reason)

    def succeed(self, files: Iterable[Path], output: Path) -> None:
        """Count a series that was written."""
        self.written += 1
        first, *others = files
        logger.info("%s%s -> %s", first, f" and {len(others)} more" if others else "", output)

    def fail(self, reason: object, path: Path | None = None) -> None:
        """Count a series that was not written.

        Args:
            reason: the error, or a sentence.
            path: a file to name, if the reason does not.
        """
        self.failed += 1
        sentence = " ".join(str(reason).split()) or type(reason).__name__
        logger.error("%s", sentence if path is None or str(path) in sentence else f"{sentence} [{path}]")
        if isinstance(reason, BaseException):
            logger.debug("details", exc_info=reason)
