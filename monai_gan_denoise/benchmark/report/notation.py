"""How figures are written where people read them."""

from __future__ import annotations

import math

__all__ = ["NOTHING", "number"]

NOTHING = "–"  # noqa: RUF001 (a dash in a table)


def number(value: float | None, digits: int, sign: str = "") -> str:
    """Write a figure; a dash where there is none, and no minus before what is rounded to 0.

    Args:
        value: None and NaN for none.
        digits: after the point.
        sign: "+" to write that of positive ones too.
    """
    if value is None or math.isnan(value):
        return NOTHING
    return "∞" if math.isinf(value) else f"{value:{sign}z.{digits}f}"
