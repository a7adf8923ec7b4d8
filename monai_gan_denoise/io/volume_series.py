"""Series of volumes, read one after the other: a functional MRI may be larger than the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from monai_gan_denoise.io.formats import format_of
from monai_gan_denoise.io.nifti import codec as nifti
from monai_gan_denoise.scans.scan import Scan

__all__ = ["Volume", "VolumeSeries", "large_series"]

LARGE = 2**26  # values, 256 MB in float32; a series of up to this many is read at once


@dataclass(frozen=True)
class Volume:
    """One volume of a series; ``ScanReader`` takes it in place of a file.

    Attributes:
        path: the file of the series.
        scan: the volume.
    """

    path: Path
    scan: Scan

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, eq=False)
class VolumeSeries:
    """A NIfTI file of four or five dimensions. Its values are read anew, in the file's order, whenever they are needed.

    Attributes:
        path: the file.
        shape: of all its values, ``(X, Y, Z, ...)``.
    """

    path: Path
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return math.prod(self.shape[3:])

    def __iter__(self) -> Iterator[Volume]:
        for scan in nifti.volumes([self.path]):
            yield Volume(self.path, scan)

    def numel(self) -> int:
        """Count the values."""
        return math.prod(self.shape)

    def take(self, index: Tensor) -> Tensor:
        """Give values as ``torch.take`` would give them of the whole series.

        Args:
            index: places among all values in C order, any shape.

        Returns:
            Same shape, float32.
        """
        places = [axis.reshape(-1) for axis in np.unravel_index(index.numpy(), self.shape)]
        frame = np.ravel_multi_index(tuple(places[3:]), self.shape[3:], order="F")
        order = np.argsort(frame, kind="stable")
        ends = np.searchsorted(frame[order], np.arange(len(self) + 1))
        values = np.empty(index.numel(), np.float32)
        for number, volume in enumerate(self):
            wanted = order[ends[number] : ends[number + 1]]
            values[wanted] = volume.scan.values[tuple(axis[wanted] for axis in places[:3])]
        return torch.as_tensor(values).reshape(index.shape)

    def min(self) -> float:
        """Give the lowest value."""
        return min(float(volume.scan.values.min()) for volume in self)

    def max(self) -> float:
        """Give the highest value."""
        return max(float(volume.scan.values.max()) for volume in self)


def large_series(files: Sequence[str | Path]) -> VolumeSeries | None:
    """Open a file that is better read by volumes than at once; None if the files are nothing of the kind."""
    path = Path(files[0])
    if format_of(path) is not nifti:
        return None
    shape = nifti.shape_of(path)
    return VolumeSeries(path, shape) if len(shape) > 3 and math.prod(shape) > LARGE else None
