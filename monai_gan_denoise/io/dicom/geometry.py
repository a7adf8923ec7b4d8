"""Where the pixels of a frame lie in the patient.

Reference: DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from monai_gan_denoise.io.dicom.header import numbers

__all__ = ["Plane", "affine", "distinct", "macro", "plane"]

ROUNDING = 3  # decimals of mm within which frames lie at one place
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Plane:
    """The plane of one frame, in DICOM's LPS millimeters.

    Attributes:
        origin: center of the first pixel; None where the header has no ImagePositionPatient.
        along_row: unit vector in which the column index grows.
        along_column: unit vector in which the row index grows.
        spacing: between rows, between columns, between slices, in mm; 1 where the header does not say.
    """

    origin: tuple[float, ...] | None
    along_row: tuple[float, ...] = (1.0, 0.0, 0.0)
    along_column: tuple[float, ...] = (0.0, 1.0, 0.0)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the plane."""
        return np.cross(self.along_row, self.along_column).astype(np.float64)

    @property
    def height(self) -> float | None:
        """Position along the normal in mm; None without a position."""
        return None if self.origin is None else float(np.dot(self.origin, self.normal))

    @property
    def place(self) -> tuple[float, ...] | None:
        """The origin without what rounding makes of it: equal for frames at one place."""
        return None if self.origin is None else tuple(round(number, ROUNDING) for number in self.origin)


def macro(dataset: Dataset, frame: int, sequence: str) -> Dataset | None:
    """Give a functional group of a frame, its own or the shared one; None if there is neither."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    own = [groups[frame]] if frame < len(groups) else []
    for group in (*own, *(dataset.get("SharedFunctionalGroupsSequence") or [])):
        if group.get(sequence):
            item: Dataset = group[sequence].value[0]
            return item
    return None


def plane(dataset: Dataset, frame: int = 0) -> Plane:
    """Read the plane of a frame from the functional groups of an Enhanced object, or else from the data set.

    What is no position, orientation or length, such as a spacing of 0, counts as absent.
    """
    position = macro(dataset, frame, "PlanePositionSequence") or dataset
    orientation = macro(dataset, frame, "PlaneOrientationSequence") or dataset
    measures = macro(dataset, frame, "PixelMeasuresSequence") or dataset
    origin = numbers(position.get("ImagePositionPatient"), 3)
    cosines = numbers(orientation.get("ImageOrientationPatient"), 6)
    if cosines is None or not np.cross(cosines[:3], cosines[3:]).any():
        cosines = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    inside = _lengths(measures.get("PixelSpacing"), 2) or _lengths(dataset.get("ImagerPixelSpacing"), 2) or (1.0, 1.0)
    across = _lengths(measures.get("SpacingBetweenSlices"), 1) or _lengths(measures.get("SliceThickness"), 1) or (1.0,)
    return Plane(origin, cosines[:3], cosines[3:], (inside[0], inside[1], across[0]))


def affine(planes: Sequence[Plane]) -> npt.NDArray[np.float64]:
    """Build the matrix from (row, column, slice) indices to RAS millimeters.

    The slice step is the mean one from the first place to the last; of a single place, its spacing along the normal.
    It is true of frames in slice order, one at each place and at even steps; of others no matrix is.

    Args:
        planes: one or more, in slice order.

    Returns:
        4 x 4.
    """
    places = distinct(planes)
    first, last = places[0], places[-1]
    step = first.normal * first.spacing[2]
    if first.origin is not None and last.origin is not None and first is not last:
        step = np.subtract(last.origin, first.origin) / (len(places) - 1)
    matrix = np.eye(4)
    matrix[:3, 0] = np.multiply(first.along_column, first.spacing[0])
    matrix[:3, 1] = np.multiply(first.along_row, first.spacing[1])
    matrix[:3, 2] = step
    matrix[:3, 3] = first.origin or (0.0, 0.0, 0.0)
    result: npt.NDArray[np.float64] = LPS_TO_RAS @ matrix
    return result


def distinct(planes: Sequence[Plane]) -> list[Plane]:
    """Give the first of the planes at each place, in their order; those without a position lie at one."""
    found: dict[tuple[float, ...] | None, Plane] = {}
    for each in planes:
        found.setdefault(each.place, each)
    return list(found.values())


def _lengths(value: Any, count: int) -> tuple[float, ...] | None:
    """Give the lengths of an element, which some writers sign; None if absent, not of that count or 0."""
    found = numbers(value, count)
    return tuple(map(abs, found)) if found and all(found) else None
