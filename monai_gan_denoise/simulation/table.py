"""The laws of noise as a table: for the terminal, and for the page of laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap

from monai_gan_denoise.transforms.noise import LAWS, Law

__all__ = ["law_table", "markdown_table"]

HEAD = ("law", "modalities", "level", "from", "to", "other parameters")
WIDTHS = (16, 19, 36, 6, 5, 26)  # characters; with the gaps less than 120
GAP = "  "


def law_table(laws: Mapping[str, Law] = LAWS) -> str:
    """Give every law as plain text: what its level is and between which bounds, and every other default."""
    rows = [HEAD, tuple("-" * width for width in WIDTHS), *(_row(law) for law in laws.values())]
    return "\n".join(_wrapped(row) for row in rows)


def markdown_table(laws: Mapping[str, Law] = LAWS) -> str:
    """Give the same in Markdown, with the three levels of the figure."""
    rows = [(*_row(law), ", ".join(f"{level:g}" for level in law.examples)) for law in laws.values()]
    head = (*HEAD, "in the figure")
    cells = [head, ("---",) * len(head), *((f"`{name}`", *others) for name, *others in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _row(law: Law) -> tuple[str, ...]:
    low, high = (f"{bound:g}" for bound in law.bounds)
    parameters = ", ".join(f"{name}={_text(default)}" for name, default in law.parameters.items())
    return law.name, ", ".join(law.modalities), law.meaning, low, high, parameters


def _text(default: float | int | str) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _wrapped(row: Sequence[str]) -> str:
    columns = [wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(row, WIDTHS, strict=True)]
    lines = zip_longest(*columns, fillvalue="")
    padded = (GAP.join(part.ljust(width) for part, width in zip(line, WIDTHS, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
