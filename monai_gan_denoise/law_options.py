"""Options of ``simulate`` that show the laws of noise instead of adding any, and end the program."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from monai_gan_denoise.terminal import log_to_terminal

__all__ = ["draw_laws", "list_laws"]


def list_laws(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the table of laws and exit, if it is wanted."""
    if wanted:
        from monai_gan_denoise.simulation import law_table

        click.echo(law_table())
        context.exit()


def draw_laws(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Draw the laws into a file and exit, if there is one."""
    if path:
        from monai_gan_denoise.simulation import draw_laws as draw

        log_to_terminal(logging.INFO)
        draw(path)
        context.exit()
