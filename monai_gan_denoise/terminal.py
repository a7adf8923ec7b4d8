"""What a program says to a terminal, and the code it ends with; imported at every start, so nothing heavy."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

__all__ = ["INTERRUPTED", "InterruptibleGroup", "fail", "log_to_terminal"]

INTERRUPTED = 130  # 128 + SIGINT, as POSIX shells report a program that Ctrl-C ended


class InterruptibleGroup(click.Group):
    """Commands that end by Ctrl-C or SIGTERM with the exit code that shells expect and without click's empty line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            if code := getattr(interruption, "exit_code", None):
                ctx.exit(code)  # a run that has said itself how far it came
            fail("interrupted", INTERRUPTED)


def fail(message: str, code: int = 2) -> None:
    """Say why in one line, and end the program."""
    click.echo(f"monai-gan-denoise: {' '.join(message.split())}", err=True)
    sys.exit(code)


def log_to_terminal(level: int) -> None:
    """Send the package's lines to the terminal, and with logging.DEBUG what looks into a failure as well."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("monai_gan_denoise")
    logger.handlers = [handler]
    logger.setLevel(level)
    # What libraries warn of is for whoever looks into a failure (--verbose); a user gets one line a file. MONAI tells
    # of a GPU decoder that is not installed, whatever the input; nothing here uses it.
    logging.captureWarnings(True)
    details = level == logging.DEBUG
    logging.getLogger("py.warnings").handlers = [handler if details else logging.NullHandler()]
    logging.getLogger("py.warnings").filters = [_quotes_no_header]
    logging.getLogger("ignite").setLevel(logging.CRITICAL)  # its engines log what they raise
    logging.getLogger("monai.handlers.StatsHandler").handlers = [handler]  # else MONAI writes its lines to stdout
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # it quotes values of headers, names of patients among them
    for name in ("monai", "monai.bundle.workflows"):
        logging.getLogger(name).setLevel(logging.WARNING if details else logging.ERROR)


def _quotes_no_header(record: logging.LogRecord) -> bool:
    """Tell whether a warning is of another library than pydicom, whose warnings quote what patients are named."""
    return "pydicom" not in record.getMessage().partition(": ")[0]
