"""Where an ultrasound frame shows echoes: beside them lie the depth scale, the gray bar, text, the maker's mark.

Reference: DICOM PS3.3 C.8.5.5 (US Region Calibration).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from monai_gan_denoise.io.dicom.header import numbers

__all__ = ["echo_mask"]

CORNERS = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
DRAWN = (4, 5)  # RegionSpatialFormat of traces (ECG, breathing) and of graphics, which hold no noise to remove


def echo_mask(dataset: Dataset) -> npt.NDArray[np.bool_] | None:
    """Give the pixels within SequenceOfUltrasoundRegions, which alone may change.

    A region's box counts its corners in. A region without a box, or with one that is empty or lies outside the frame,
    counts as absent.

    Args:
        dataset: with Rows and Columns.

    Returns:
        ``(rows, columns)``; None where the header has no region, and all of the frame may change.
    """
    regions = [(region, numbers([region.get(keyword) for keyword in CORNERS], 4)) for region in _regions(dataset)]
    boxes = [(region, box) for region, box in regions if box and _holds_pixels(box, dataset)]
    if not boxes:
        return None
    mask = np.zeros((dataset.Rows, dataset.Columns), bool)
    for region, box in boxes:
        if region.get("RegionSpatialFormat") not in DRAWN:
            left, top, right, bottom = map(int, box)
            mask[top : bottom + 1, left : right + 1] = True
    return mask


def _holds_pixels(box: tuple[float, ...], dataset: Dataset) -> bool:
    """Tell whether a box, whose corners are unsigned, holds a pixel of the frame."""
    left, top, right, bottom = box
    return left <= min(right, int(dataset.Columns) - 1) and top <= min(bottom, int(dataset.Rows) - 1)


def _regions(dataset: Dataset) -> list[Dataset]:
    return list(dataset.get("SequenceOfUltrasoundRegions") or [])
