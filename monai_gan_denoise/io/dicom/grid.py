"""The grid on which the frames of a stack lie, in three or four dimensions, if there is one.

DICOM gives each frame a place of its own; NIfTI has one step for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.dicom.geometry import Plane, affine, distinct

__all__ = ["Grid", "find_grid"]

# Of a step, by which a frame may lie beside its place: rounded headers do, a missing slice a quarter or more.
SHIFT = 0.1
TURN = 0.01  # of a direction cosine, and of mm between pixels, within which frames are alike


@dataclass(frozen=True)
class Grid:
    """Even steps from place to place, and as many frames at each.

    Attributes:
        affine: (row, column, place) indices to RAS millimeters, 4 x 4.
        places: how many there are.
        times: how many frames lie at each.
        cycling: whether the frames go through all places, again and again; else all of one place come together.
    """

    affine: npt.NDArray[np.float64]
    places: int
    times: int
    cycling: bool

    def arrange(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give ``(rows, columns, places, times)`` of ``(rows, columns, frames)`` in Fortran order, without a copy.

        Where one frame lies at each place, or there is but one frame, ``(rows, columns)``, it stays as it is.
        """
        if self.times == 1:
            return frames
        if self.cycling:
            return frames.reshape(*frames.shape[:2], self.places, self.times, order="F")
        return frames.reshape(*frames.shape[:2], self.times, self.places, order="F").swapaxes(2, 3)


def find_grid(planes: Sequence[Plane]) -> Grid | None:
    """Find the grid of frames; None if they turn, or if their places or the number of frames at each are uneven.

    Frames without any position lie at even steps as far as anybody can tell.

    Args:
        planes: one or more, in the order of the frames.
    """
    if len({plane.origin is None for plane in planes}) > 1 or not _alike(planes):
        return None
    if planes[0].origin is None:
        return Grid(affine(planes), len(planes), 1, cycling=True)
    places = distinct(planes)
    if not _even(places):
        return None
    times, rest = divmod(len(planes), len(places))
    index = {plane.place: number for number, plane in enumerate(places)}
    order, each = [index[plane.place] for plane in planes], range(len(places))
    cycling = order == [number for _ in range(times) for number in each]
    if rest or not (cycling or order == [number for number in each for _ in range(times)]):
        return None
    return Grid(affine(places), len(places), times, cycling)


def _alike(planes: Sequence[Plane]) -> bool:
    grids = np.array([(*plane.along_row, *plane.along_column, *plane.spacing[:2]) for plane in planes])
    return bool((np.abs(grids - grids[0]) <= TURN).all())


def _even(places: Sequence[Plane]) -> bool:
    """Tell whether places lie on a line at even steps, and the line leads out of their planes."""
    origins = np.array([plane.origin for plane in places], np.float64)
    step = (origins[-1] - origins[0]) / max(len(places) - 1, 1)
    beside = np.linalg.norm(origins - origins[0] - np.arange(len(places))[:, None] * step, axis=1)
    length = float(np.linalg.norm(step))
    out = abs(float(step @ places[0].normal)) >= SHIFT * length
    return out and bool((beside <= SHIFT * length).all())
