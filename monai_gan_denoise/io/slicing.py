"""Across which axis a volume is cut into slices, where its header does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["thickest_axis"]

SPACING_TOLERANCE = 1e-4  # relative; spacings closer than this differ by the rounding of a float32 header only


def thickest_axis(spacing: Sequence[float], shape: Sequence[int]) -> int:
    """Find the axis of strictly largest spacing, else the third; of a single slice, the axis across it.

    Slices are acquired thick as a rule, so this is the axis across which neighbors tell least of each other.

    Args:
        spacing: of the three axes, in millimeters.
        shape: voxels along the axes, three or more of them.

    Returns:
        0, 1 or 2.
    """
    single = [axis for axis, size in enumerate(shape[:3]) if size == 1]
    if single:  # whatever the spacing: an ultrasound frame may have pixels that are taller than wide
        return single[-1]
    widest = int(np.argmax(spacing))
    others = max(value for axis, value in enumerate(spacing) if axis != widest)
    return widest if spacing[widest] > others * (1 + SPACING_TOLERANCE) else 2
