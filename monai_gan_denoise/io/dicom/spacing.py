"""What is uneven about a stack of slices: gaps, doubles, uneven steps, a tilted gantry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.dicom.geometry import Plane

__all__ = ["unevenness"]

ROUNDING = 3  # decimals of mm within which slices lie at one place
STEP_TOLERANCE = 0.05  # of a step, within which two are equal: positions in headers are rounded to 0.01 mm or so
PARALLEL = 0.9999  # cosine of the angle between normals, within 1 degree
TILT = 0.5  # degrees between the way from slice to slice and the slices' normal that rounding does not explain


def unevenness(planes: Sequence[Plane]) -> str | None:
    """Say in words what is uneven about the slices of one stack.

    Args:
        planes: in any order.

    Returns:
        Parts of a sentence with commas between, or None if the slices are even or too few to tell.
    """
    if any(abs(float(plane.normal @ planes[0].normal)) < PARALLEL for plane in planes):
        return "slices are not parallel"
    heights = [plane.height for plane in planes]
    known = Counter(round(height, ROUNDING) for height in heights if height is not None)
    said = []
    if known and (unplaced := heights.count(None)):
        said.append(f"slices without a position: {unplaced} of {len(planes)}")
    counts = set(known.values())
    if counts and counts != {1}:
        every = f"{counts.pop()} slices lie at each of {len(known)} positions"
        said.append(every if not counts else f"slices where another lies: {known.total() - len(known)}")
    said += _steps(np.diff(sorted(known)))
    tilt = _tilt(planes)
    if tilt > TILT:
        said.append(f"each slice is shifted along its plane as by a gantry tilted by {tilt:.1f} degrees")
    return ", ".join(said) or None


def _steps(steps: npt.NDArray[np.float64]) -> list[str]:
    """Tell missing slices, whose steps are multiples of the usual one, from steps of any length."""
    if len(steps) < 2:
        return []
    usual = float(np.median(steps))
    multiples = steps / usual
    missing = int((np.rint(multiples) - 1).sum())
    if (np.abs(multiples - np.rint(multiples)) > STEP_TOLERANCE).any() or (multiples < 0.5).any():
        return [f"steps between slices range from {steps.min():g} to {steps.max():g} mm"]
    return [f"slices missing: {missing}, by the usual step of {usual:g} mm"] if missing else []


def _tilt(planes: Sequence[Plane]) -> float:
    """Give the angle in degrees between the way from the lowest slice to the highest and the normal."""
    placed = [plane for plane in planes if plane.origin is not None]
    if len(placed) < 2:
        return 0.0
    ends = [pick(placed, key=lambda plane: plane.height or 0.0) for pick in (min, max)]
    way = np.subtract(*(np.array(plane.origin) for plane in reversed(ends)))
    across = abs(float(np.dot(way, placed[0].normal)))
    along = float(np.sqrt(max(float(way @ way) - across**2, 0.0)))
    return float(np.degrees(np.arctan2(along, across))) if across else 0.0
