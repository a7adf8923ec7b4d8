"""Slices of a volume: across which axis they are cut where the header does not say, and which one stands for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = ["middle_slice", "pixel_spacing", "stack_slices", "thickest_axis"]

Number = TypeVar("Number", bound=np.generic)

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


def middle_slice(values: npt.NDArray[Number], slice_axis: int | None) -> npt.NDArray[Number]:
    """Cut the middle slice out of a volume, of several volumes out of the first.

    Args:
        values: an image ``(H, W)``, which is its own slice, or a volume of three axes or more.
        slice_axis: as ``Scan`` has it; None for an image.

    Returns:
        The slice, in the orientation that files of the format are viewed in.
    """
    if slice_axis is None:
        return values
    first = values.reshape(*values.shape[:3], -1)[..., 0]
    middle: npt.NDArray[Number] = first.take(first.shape[slice_axis] // 2, axis=slice_axis)
    return middle


def pixel_spacing(affine: npt.NDArray[np.floating], slice_axis: int | None) -> float:
    """Give the geometric mean of the two spacings within a slice, in mm.

    Args:
        affine: 4 x 4, voxel index to millimeters.
        slice_axis: axis across which a volume is cut; None for an image, whose axes are the first two.
    """
    across = 2 if slice_axis is None else slice_axis
    return math.sqrt(math.prod(float(np.linalg.norm(affine[:3, axis])) for axis in range(3) if axis != across))


def stack_slices(spatial: Tensor, slice_axis: int | None) -> Tensor:
    """Stack the slices of an image or a volume.

    Args:
        spatial: ``(H, W)``, or of three axes or more.
        slice_axis: axis across which a volume is cut; None for the third.

    Returns:
        The slices, ``(S, H, W)``; axes beyond the third are more slices.
    """
    if spatial.dim() == 2:
        return spatial[None].contiguous()
    slices = spatial.movedim(2 if slice_axis is None else slice_axis, 2)
    return slices.flatten(2).movedim(2, 0).contiguous()
