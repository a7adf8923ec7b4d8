"""What denoising removed, taken away from the stored pixels and written as derived DICOM objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmwrite

from monai_gan_denoise.io.dicom.annotations import drawn_mask
from monai_gan_denoise.io.dicom.derived import derive, series_uid
from monai_gan_denoise.io.dicom.geometry import Plane, affine, plane
from monai_gan_denoise.io.dicom.header import frame_count
from monai_gan_denoise.io.dicom.pixels import (
    Integers,
    PixelFormat,
    Units,
    load,
    luminance,
    padding,
    palette_to_rgb,
    pixel_format,
    words,
)
from monai_gan_denoise.io.dicom.regions import echo_mask
from monai_gan_denoise.io.scan import Derivation, InputError, subtract
from monai_gan_denoise.io.whole import whole_file, whole_files

__all__ = ["write", "write_residual"]

EXTREMES = ("SmallestImagePixelValue", "LargestImagePixelValue")
SERIES_EXTREMES = ("SmallestPixelValueInSeries", "LargestPixelValueInSeries")
WORD_LIMIT = 16  # bits that the elements above can hold


@dataclass(frozen=True)
class _Pixels:
    """Uncompressed pixels of an output: words and numbers of all frames, what these were, and how to describe them."""

    words: Integers
    numbers: Integers
    before: Integers
    format: PixelFormat

    @property
    def changed(self) -> bool:
        return not np.array_equal(self.before, self.numbers)


def write(
    files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
) -> None:
    """Write one derived object per source file, all of them or none.

    Stored pixels become the source's minus what was removed, rounded and limited to BitsStored. Padding, pixels outside
    the regions of an ultrasound frame, burnt-in text, and pixels that nothing was removed from keep their numbers. The
    files are explicit VR little endian, not compressed.

    Args:
        files: as passed to ``read``.
        removed: what denoising takes away from ``Scan.values``, same shape and units.
        outputs: a path per file.
        derivation: how the outputs were made.

    Raises:
        InputError: if a source can no longer be read, or its header cannot be written.
        ValueError: if the numbers of files, outputs or slices differ.
    """
    if len(outputs) != len(files):
        raise ValueError(f"outputs must be one per file, got {len(outputs)} for {len(files)}. Name each output.")
    planes = removed[np.newaxis] if removed.ndim == 2 else np.moveaxis(removed, 2, 0)
    now = datetime.now().astimezone()
    extremes: tuple[int, int] | None = None
    series = ""
    with whole_files(outputs) as partials:
        start = 0
        for index, (path, partial) in enumerate(zip(files, partials, strict=True)):
            dataset = load(path)
            if index == 0:
                series = series_uid(dataset, derivation)
                if any(keyword in dataset for keyword in SERIES_EXTREMES) and removed.any():
                    extremes = _series_extremes(files, planes)
            pixels = _denoised(dataset, planes[start:], path)
            start += len(pixels.words)
            with _naming(path):
                derive(dataset, derivation, series, now)
                _set_pixels(dataset, pixels, extremes)
                dcmwrite(partial, dataset, enforce_file_format=True)  # save_as refuses big endian sources
        _check_all_used(planes, start)


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write input minus output as float32 NIfTI, in the units of ``Scan.values`` and with its geometry.

    This is what was removed as ``write`` carries it out: padding stays, and stored numbers are whole and limited.

    Args:
        files: as passed to ``read``.
        removed: as passed to ``write``.
        output: the file to write.

    Raises:
        InputError: if a source can no longer be read.
        ValueError: if the numbers of files and slices differ.
    """
    planes = removed[np.newaxis] if removed.ndim == 2 else np.moveaxis(removed, 2, 0)
    difference = np.zeros(planes.shape, np.float32)
    places: list[Plane] = []
    for path in files:
        dataset = load(path)
        pixels = _denoised(dataset, planes[len(places) :], path)
        for index, (before, after) in enumerate(zip(pixels.before, pixels.numbers, strict=True)):
            if pixels.changed:
                color = pixels.format.color
                steps = luminance(before, color) - luminance(after, color)
                difference[len(places)] = steps * Units.of(dataset, index, pixels.format, path).slope
            places.append(plane(dataset, index))
    _check_all_used(planes, len(places))
    image = nibabel.Nifti1Image(difference[0] if removed.ndim == 2 else np.moveaxis(difference, 0, 2), affine(places))
    image.header.set_xyzt_units("mm")
    with whole_file(output) as partial:
        nibabel.save(image, partial)


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Name the file whose header holds what pydicom cannot parse, which it does when a value is used or written."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a damaged element fails in as many ways as there are parsers of values
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(f"header must be writable, got {reason} in {source}. Fetch the file again.") from error


def _check_all_used(planes: npt.NDArray[np.floating], used: int) -> None:
    if used != len(planes):
        raise ValueError(f"removed must have {used} slices, got {len(planes)}. Pass the shape of Scan.values.")


def _denoised(dataset: Dataset, planes: npt.NDArray[np.floating], path: Path) -> _Pixels:
    """Decode all frames and take the planes' share from each.

    Raises:
        ValueError: if the planes are fewer than the frames, or of another size.
    """
    pixels, inside = pixel_format(dataset), echo_mask(dataset)
    before = after = results = np.empty(0, np.uint8)
    for index, raw in enumerate(words(dataset, path)):
        if index >= len(planes) or raw.shape[:2] != planes[index].shape:
            size = f"{raw.shape[0]} x {raw.shape[1]}"
            raise ValueError(f"removed must have a {size} slice for each frame, got another shape. Pass Scan.values'.")
        stored = pixels.numbers(raw)
        if index == 0:
            kinds = (stored.dtype, stored.dtype, raw.dtype)
            before, after, results = (np.empty((frame_count(dataset), *raw.shape), kind) for kind in kinds)
        before[index] = stored
        share = planes[index] if inside is None else np.where(inside, planes[index], 0)
        if pixels.color == "gray":
            share = np.where(drawn_mask(stored), 0, share)
        after[index] = _subtract_frame(dataset, pixels, stored, share, Units.of(dataset, index, pixels, path))
        results[index] = pixels.words(raw, after[index])
    if pixels.color == "palette":
        shares = planes[: len(before)]
        return _palette_denoised(dataset, pixels, before, shares if inside is None else np.where(inside, shares, 0))
    return _Pixels(results, after, before, pixels)


def _subtract_frame(
    dataset: Dataset, pixels: PixelFormat, stored: Integers, removed: npt.NDArray[np.floating], units: Units
) -> Integers:
    """Take ``removed``, in the units of the scan, from one frame of stored numbers."""
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
    return np.where(outside.mask(stored), stored, result)


def _minus(stored: Integers, steps: npt.NDArray[np.floating], limits: tuple[int, int]) -> Integers:
    """Call ``subtract``, whose result has the type of ``stored``."""
    return subtract(stored, steps, limits).astype(stored.dtype, copy=False)


def _palette_denoised(
    dataset: Dataset, pixels: PixelFormat, indices: Integers, planes: npt.NDArray[np.floating]
) -> _Pixels:
    """Turn indices into RGB, which alone can hold denoised colors; where nothing was removed the indices stay."""
    if not planes.any():
        return _Pixels(indices, indices, indices, pixels)
    rgb = PixelFormat(bits_allocated=8, bits_stored=8, high_bit=7, signed=False, color="rgb")
    before = palette_to_rgb(dataset, indices)
    colors = _minus(before, planes[..., np.newaxis], rgb.limits)
    return _Pixels(colors, colors, before, rgb)


def _series_extremes(files: Sequence[Path], planes: npt.NDArray[np.floating]) -> tuple[int, int]:
    """Find the lowest and highest number of all outputs, which each file of such a series repeats."""
    start, ends = 0, []
    for path in files:
        numbers = _denoised(load(path), planes[start:], path).numbers
        start += len(numbers)
        ends += [int(numbers.min()), int(numbers.max())]
    return min(ends), max(ends)


def _set_pixels(dataset: Dataset, pixels: _Pixels, series_extremes: tuple[int, int] | None) -> None:
    """Put pixels into a data set, with everything that describes them."""
    if pixels.format.color == "rgb":
        _describe_rgb(dataset, pixels.format)
    paired = pixels.format.color == "ybr" and dataset.PhotometricInterpretation == "YBR_FULL_422"
    colors = dataset.get("SamplesPerPixel", 1) > 1
    planar = colors and dataset.get("PlanarConfiguration") == 1 and not paired
    if colors:
        dataset.PlanarConfiguration = int(planar)
    # Compressed sources may leave HighBit anywhere; uncompressed ones keep theirs.
    dataset.BitsStored, dataset.HighBit = pixels.format.bits_stored, pixels.format.high_bit
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData"):
        dataset.pop(keyword, None)
    little = pixels.words.astype(pixels.words.dtype.newbyteorder("<"), copy=False)
    if planar:
        little = np.moveaxis(little, -1, 1)
    if paired:
        pairs = little.reshape(-1, 2, 3)  # two pixels share the chroma of the first: Y Y Cb Cr
        little = np.column_stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]])
    data = little.tobytes()
    dataset.add_new("PixelData", "OB" if pixels.format.bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))
    if pixels.changed:
        _correct_extremes(dataset, EXTREMES, (int(pixels.numbers.min()), int(pixels.numbers.max())))
    if series_extremes is not None:
        _correct_extremes(dataset, SERIES_EXTREMES, series_extremes)


def _describe_rgb(dataset: Dataset, pixels: PixelFormat) -> None:
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.BitsAllocated, dataset.PixelRepresentation = pixels.bits_allocated, int(pixels.signed)
    for color in ("Red", "Green", "Blue", "Alpha"):
        for keyword in ("Descriptor", "Data"):
            dataset.pop(f"{color}PaletteColorLookupTable{keyword}", None)
        dataset.pop(f"Segmented{color}PaletteColorLookupTableData", None)
    dataset.pop("PaletteColorLookupTableUID", None)


def _correct_extremes(dataset: Dataset, keywords: tuple[str, str], values: tuple[int, int]) -> None:
    for keyword, value in zip(keywords, values, strict=True):
        if keyword not in dataset:
            continue
        del dataset[keyword]
        if dataset.BitsAllocated <= WORD_LIMIT:
            dataset.add_new(keyword, "SS" if dataset.PixelRepresentation else "US", value)
