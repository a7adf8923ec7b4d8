"""A scan in memory, and what every format module promises about it.

The format modules (``dicom``, ``nifti``, ``raster``, ``volume``) each have two functions::

    read(files) -> Scan
    write(files, removed, outputs, derivation) -> None

``files`` is one file, or the files of one DICOM series in slice order. ``removed`` is what denoising takes away from
``Scan.values``, same shape and units. The written pixel is the stored one minus what was removed, rounded and limited
only to the file's own type, so that where nothing was removed the stored value comes back bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.scans.errors import InputError

__all__ = ["MINIMUM_SIZE", "Derivation", "Scan", "refuse_unusable", "subtract"]

ROUNDING = 1e-6  # of the largest value; a few times the precision of float32
MINIMUM_SIZE = 16  # pixels along each side of a slice; below it the network has nothing to look at


@dataclass(frozen=True)
class Scan:
    """One image, volume or series.

    Attributes:
        values: ``(H, W)`` or ``(X, Y, Z, ...)`` in the modality's units; of color images the luminance.
        affine: 4 x 4, voxel index to patient millimeters, RAS as in NIfTI.
        slice_axis: axis across which ``values`` is cut into slices; None if ``values`` is two-dimensional.
        bit_range: lowest and highest value that an 8-bit source can hold, in the units of ``values``; else None.
        hu_offset: what a CT of this file type adds to HU (1024 in unsigned 16-bit PNG and TIFF).
        modality: what the header says, as one of ct, mr, xr, us, oct; None where it does not say.
        placed: whether the file says where ``affine`` places it in the patient; if not, it has a spacing at most.
    """

    values: npt.NDArray[np.float32]
    affine: npt.NDArray[np.float64]
    slice_axis: int | None = None
    bit_range: tuple[float, float] | None = None
    hu_offset: float = 0.0
    modality: str | None = None
    placed: bool = False


@dataclass(frozen=True)
class Derivation:
    """How an output was made.

    Attributes:
        label: one word or two for the name of a series.
        description: one sentence for a human reader: program, version, weights, settings, research use only.
        fingerprint: changes whenever the weights or a setting that shows in the pixels do.
        salt: empty to derive UIDs from the source's and ``fingerprint`` alone; something drawn anew for fresh UIDs.
        code: what it is in DICOM's list of image derivations, a keyword of CID 7203.
    """

    label: str
    description: str
    fingerprint: str
    salt: str = ""
    # CID 7203 has no code for noise reduction as such; Smoothing is the one of its filters that denoising is.
    code: str = "Smoothing"


def subtract(
    stored: npt.NDArray[Any], removed: npt.NDArray[np.floating], limits: tuple[int, int] | None = None
) -> npt.NDArray[Any]:
    """Take what was removed away from stored values; integers are rounded, then limited.

    Args:
        stored: values as the file or the caller holds them, integer or floating.
        removed: in the units of ``stored``, a shape that broadcasts to its.
        limits: lowest and highest value of an integer output; the range of its type if None.

    Returns:
        Same shape and dtype as ``stored``, equal to it where ``removed`` is 0. What is removed was computed in float32;
        where its rounding alone would make a floating value negative, that becomes 0.
    """
    exact = removed.astype(np.float64, copy=False)
    if not np.issubdtype(stored.dtype, np.integer):
        less = np.asarray(stored - exact)
        less[(less < 0) & (stored >= 0) & (less > -ROUNDING * stored.max(initial=0))] = 0
        return np.where(exact == 0, stored, less.astype(stored.dtype))
    info = np.iinfo(stored.dtype)
    lowest, highest = limits or (info.min, info.max)
    # The highest number of 64 bits is none of float64's; the one above it would turn into the lowest.
    highest = np.nextafter(float(highest), 0) if float(highest) > highest else highest
    steps = np.rint(exact)
    # Clipping what changed only: a stored value outside the limits that nothing was removed from stays what it is.
    changed = np.clip(stored.astype(np.float64) - steps, lowest, highest).astype(stored.dtype)
    return np.where(steps == 0, stored, changed)


def refuse_unusable(values: npt.NDArray[np.generic], slice_axis: int | None, name: str) -> None:
    """Refuse values that no denoiser can work on.

    Args:
        values: as in ``Scan``.
        slice_axis: as in ``Scan``.
        name: what the message calls the values, a file's path as a rule.

    Raises:
        InputError: if a slice is smaller than 16 pixels, if there is none, or if a value is NaN or infinite.
    """
    sides = [size for axis, size in enumerate(values.shape[:3]) if axis != slice_axis]
    if min(sides, default=0) < MINIMUM_SIZE:
        size = " x ".join(str(side) for side in sides)
        raise InputError(
            f"slices must be at least {MINIMUM_SIZE} pixels wide and high, got {size} in {name}. Leave it out."
        )
    if not values.size:
        raise InputError(f"values must hold one slice or more, got shape {values.shape} in {name}. Leave it out.")
    unusable = values.size - int(np.isfinite(values).sum())
    if unusable:
        raise InputError(f"values must be finite, got {unusable} NaN or infinite in {name}. Replace them first.")
