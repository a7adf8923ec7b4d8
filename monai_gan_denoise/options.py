"""Options of a command that has many: those of ``benchmark``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["benchmark_options"]

Command = Callable[..., Any]
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)


def _names(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


BENCHMARK = (
    click.option("--data", metavar="FOLDER_OR_MANIFEST", type=PATH, help="Clean images, real pairs."),
    click.option("--output", type=FOLDER, default=Path("report"), show_default=True),
    click.option("--methods", default="", callback=_names, help="Names or network files, with commas; all if absent."),
    click.option(
        "--cells",
        default="",
        callback=_names,
        help="With commas: mr, mr/rician, */gaussian/25; all if absent.",
    ),
    click.option("--quick", is_flag=True, help="Few cells and a small crop, to see whether all works."),
    click.option("--jobs", type=click.IntRange(min=1), help="Processes; one a core if not given."),
    click.option("--weights", type=PATH, help="Weights of ours, other than the bundle's."),
    click.option(
        "--measures", is_flag=True, help="Also tissue bias, MS-SSIM, spectra, edges, residuals: measures.csv."
    ),
    click.option("--structure", is_flag=True, help="Also inserted discs and false detections: structure.csv."),
    click.option("--protocol", "version", type=int, help="An earlier version of the protocol; the newest if absent."),
    click.option("--split", help="Images of --data: test, or val to choose by; test if absent."),
    click.option(
        "--references", metavar="FOLDER", type=PATH, help="Volumes, low-contrast phantom; else what is beside --data."
    ),
    click.option(
        "--peers-from", metavar="RESULTS.json", type=PATH, help="An earlier run: take what is not measured in this one."
    ),
)


def benchmark_options(command: Command) -> Command:
    """Give a command the options of ``benchmark``, listed by --help in their order above."""
    for option in reversed(BENCHMARK):
        command = option(command)
    return command
