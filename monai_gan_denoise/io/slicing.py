"""Across which axis a volume is cut into slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["widest_axis"]

SPACING_TOLERANCE = 1e-4  # relative; spacings closer than this differ by the rounding of a float32 header only


def widest_axis(spacing: Sequence[float]) -> int:
    """Find the axis of strictly largest spacing, else the third.

    Slices are acquired thick as a rule, so this is the axis across which neighbors tell least of each other.

    Args:
        spacing: of the three axes, in millimeters.

    Returns:
        0, 1 or 2.
    """
    widest = int(np.argmax(spacing))
    others = max(value for axis, value in enumerate(spacing) if axis != widest)
    return widest if spacing[widest] > others * (1 + SPACING_TOLERANCE) else 2
