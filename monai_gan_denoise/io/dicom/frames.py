"""What denoising removed, taken away from the stored pixels of one frame after the other.

A multi-frame object may be nearly as large as the memory: nothing here keeps a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from monai_gan_denoise.io.dicom.annotations import drawn_mask
from monai_gan_denoise.io.dicom.header import frame_count
from monai_gan_denoise.io.dicom.pixels import (
    Integers,
    PixelFormat,
    Units,
    padding,
    palette_to_rgb,
    pixel_format,
    words,
)
from monai_gan_denoise.io.dicom.regions import echo_mask
from monai_gan_denoise.scans.scan import subtract

__all__ = ["Frame", "frames"]

RGB = PixelFormat(bits_allocated=8, bits_stored=8, high_bit=7, signed=False, color="rgb")


@dataclass(frozen=True)
class Frame:
    """One frame of an output, ``(rows, columns)`` or ``(rows, columns, 3)``.

    Attributes:
        before: what its numbers were; of a palette that becomes RGB, the colors that it showed.
        after: its numbers.
        words: these as they are stored, not compressed.
        format: of the words, the same for all frames of an object.
    """

    before: Integers
    after: Integers
    words: Integers
    format: PixelFormat

    @property
    def changed(self) -> bool:
        """Tell whether a number is another."""
        return not np.array_equal(self.before, self.after)


def frames(dataset: Dataset, planes: npt.NDArray[np.floating], path: Path) -> Iterator[Frame]:
    """Decode frame by frame and take its plane's share from each.

    A palette becomes RGB, which alone can hold denoised colors; where nothing is removed from any frame it stays.

    Args:
        dataset: of the source.
        planes: what to remove, ``(frames, rows, columns)`` in the units of the scan, or more frames than there are.
        path: the file.

    Yields:
        As many as the source has.

    Raises:
        InputError: if the pixel data is cut short or cannot be decoded.
        ValueError: if the planes are fewer than the frames, or of another size.
    """
    planes, size = planes[: frame_count(dataset)], (dataset.Rows, dataset.Columns)
    if planes.shape != (frame_count(dataset), *size):
        wanted = f"{size[0]} x {size[1]}"
        raise ValueError(f"removed must have a {wanted} slice for each frame, got another shape. Pass Scan.values'.")
    pixels, inside = pixel_format(dataset), echo_mask(dataset)
    colored = pixels.color == "palette" and any(_share(plane, inside).any() for plane in planes)
    for index, raw in enumerate(words(dataset, path)):
        stored, share = pixels.numbers(raw), _share(planes[index], inside)
        if colored:
            colors = palette_to_rgb(dataset, stored)
            result = _minus(colors, share[..., np.newaxis], RGB.limits)
            yield Frame(colors, result, result, RGB)
            continue
        if pixels.color == "gray":
            share = np.where(drawn_mask(stored), 0, share)
        result = _subtract(raw, stored, share, dataset, pixels, Units.of(dataset, index, pixels, path))
        yield Frame(stored, result, pixels.words(raw, result), pixels)


def _share(plane: npt.NDArray[np.floating], inside: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.floating]:
    """Leave out what lies outside the regions of an ultrasound frame."""
    return plane if inside is None else np.where(inside, plane, 0)


def _subtract(
    raw: Integers,
    stored: Integers,
    removed: npt.NDArray[np.floating],
    dataset: Dataset,
    pixels: PixelFormat,
    units: Units,
) -> Integers:
    """Take ``removed``, in the units of the scan, from one frame of stored numbers, which words hold."""
    steps = removed.astype(np.float64) / units.slope
    if pixels.color == "rgb":  # the same from each component changes luminance by that much, and no chroma
        return _minus(stored, steps[..., np.newaxis], pixels.limits)
    if pixels.color == "ybr":
        return _minus(stored, steps[..., np.newaxis] * [1.0, 0.0, 0.0], pixels.limits)
    if pixels.color == "palette":
        return stored
    result = _minus(stored, steps, pixels.limits)
    outside = padding(dataset, pixels)
    if outside is None:
        return result
    # A valid pixel must not turn into padding: it stops at the number next to it, on the side it came from.
    neighbor = np.where(stored > outside.highest, outside.highest + 1, outside.lowest - 1).astype(stored.dtype)
    result = np.where(outside.mask(result), neighbor, result)
    return np.where(outside.mask_words(raw, stored, pixels.limits), stored, result)


def _minus(stored: Integers, steps: npt.NDArray[np.floating], limits: tuple[int, int]) -> Integers:
    """Call ``subtract``, whose result has the type of ``stored``."""
    return subtract(stored, steps, limits).astype(stored.dtype, copy=False)
