"""DICOM files to a Scan in the modality's units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from monai_gan_denoise.io.dicom.geometry import Plane, affine, plane
from monai_gan_denoise.io.dicom.header import frame_count, modality
from monai_gan_denoise.io.dicom.pixels import (
    PixelFormat,
    Units,
    load,
    luminance,
    padding,
    palette_to_rgb,
    pixel_format,
    words,
)
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan

__all__ = ["read"]

BIT_RANGE_BITS = 8  # up to this many stored bits, images use the range of their bits


@dataclass(frozen=True)
class _Frame:
    """One frame: values with NaN for padding, what padding holds, where it lies, the values its bits can hold."""

    values: npt.NDArray[np.float32]
    plane: Plane
    bit_range: tuple[float, float] | None


def read(files: Sequence[Path]) -> Scan:
    """Read one DICOM file, or the files of one series.

    Values are in the units of the Modality LUT's rescale, per slice or frame where it varies, in stored numbers where
    there is none; MONOCHROME1 is inverted; colors give their luminance. Padding shows as the lowest valid value.

    Args:
        files: one file of any number of frames, or several files of one frame each, in slice order.

    Returns:
        ``(rows, columns)``; or ``(rows, columns, slices)`` of several files or frames, with slice axis 2.

    Raises:
        InputError: if a file cannot be read or decoded, or does not fit the others.
    """
    first = load(files[0])
    count = len(files) if len(files) > 1 else frame_count(first)
    values = np.empty((0, 0, 0), np.float32)
    planes: list[Plane] = []
    ranges: list[tuple[float, float]] = []
    for path in files:
        dataset = first if path is files[0] else load(path)
        for frame in _frames(dataset, path, single=len(files) > 1):
            if not planes:  # decoding has shown by now that a file as long as its header claims is there
                values = np.empty((*frame.values.shape, count), np.float32)  # MONAI would copy any other order to this
            if frame.values.shape != values.shape[:2]:
                shapes = " after ".join("{} x {}".format(*shape) for shape in (frame.values.shape, values.shape[:2]))
                raise InputError(f"slices must be of one size, got {shapes} in {path}. Pass them as separate series.")
            values[..., len(planes)] = frame.values
            planes.append(frame.plane)
            ranges += [frame.bit_range] if frame.bit_range else []
    _fill_padding(values)
    stacked = count > 1
    return Scan(
        values=values if stacked else values[..., 0],
        affine=affine(planes),
        slice_axis=2 if stacked else None,
        bit_range=(min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None,
        modality=modality(str(first.get("Modality") or "")),
        placed=planes[0].origin is not None,
    )


def _frames(dataset: Dataset, path: Path, single: bool) -> Iterator[_Frame]:
    """Decode the frames of a file.

    Raises:
        InputError: if ``single`` and the file has more than one frame.
    """
    if single and frame_count(dataset) > 1:
        raise InputError(f"file must have one frame, got {frame_count(dataset)} in {path}. Pass it alone.")
    pixels = pixel_format(dataset)
    outside = padding(dataset, pixels)
    for index, raw in enumerate(words(dataset, path)):
        units = Units.of(dataset, index, pixels, path)
        numbers = pixels.numbers(raw)
        colors = palette_to_rgb(dataset, numbers) if pixels.color == "palette" else numbers
        values = (luminance(colors, pixels.color) * units.slope + units.intercept).astype(np.float32)
        if outside is not None:
            mask = outside.mask_words(raw, numbers, pixels.limits)
            # An image of padding alone has no valid value to show: its own numbers are as good as any.
            values[mask & ~mask.all()] = np.nan
        yield _Frame(values, plane(dataset, index), _bit_range(pixels, units))


def _bit_range(pixels: PixelFormat, units: Units) -> tuple[float, float] | None:
    if pixels.bits_stored > BIT_RANGE_BITS and pixels.color != "palette":
        return None
    ends = (0, 255) if pixels.color == "palette" else pixels.limits
    low, high = sorted(units.slope * end + units.intercept for end in ends)
    return low, high


def _fill_padding(values: npt.NDArray[np.float32]) -> None:
    """Show padding, marked by NaN, as the lowest valid value of the whole stack; in place."""
    mask = np.isnan(values)
    if mask.any():
        values[mask] = np.nanmin(values)
