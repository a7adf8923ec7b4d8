"""What denoising removed, taken away from the stored pixels and written as derived DICOM objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmwrite

from monai_gan_denoise.io.atomic import whole_file, whole_files
from monai_gan_denoise.io.dicom.derived import derive, series_uid
from monai_gan_denoise.io.dicom.frames import Frame, frames
from monai_gan_denoise.io.dicom.geometry import Plane, plane
from monai_gan_denoise.io.dicom.grid import find_grid
from monai_gan_denoise.io.dicom.header import frame_count
from monai_gan_denoise.io.dicom.pixels import PixelFormat, Units, load, luminance
from monai_gan_denoise.io.dicom.spacing import unevenness
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

__all__ = ["write", "write_map", "write_residual"]

EXTREMES = ("SmallestImagePixelValue", "LargestImagePixelValue")
SERIES_EXTREMES = ("SmallestPixelValueInSeries", "LargestPixelValueInSeries")
WORD_LIMIT = 16  # bits that the elements above can hold


@dataclass(frozen=True)
class _Written:
    """What the header must say of pixels that are written: their format, lowest and highest number, and any change."""

    format: PixelFormat
    changed: bool
    extremes: tuple[int, int]


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
            # All frames of an object in memory, beside the source's, would be one copy too many.
            with NamedTemporaryFile(dir=partial.parent) as spool:
                pixels = _write_pixels(dataset, planes[start:], path, spool.file)
                start += frame_count(dataset)
                with _naming(path):
                    derive(dataset, derivation, series, now)
                    _describe_pixels(dataset, pixels, extremes)
                    dataset.add_new("PixelData", "OB" if pixels.format.bits_allocated == 8 else "OW", spool.file)
                    dcmwrite(partial, dataset, enforce_file_format=True)  # save_as refuses big endian sources
        _check_all_used(planes, start)


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write input minus output as float32 NIfTI, in the units of ``Scan.values`` and with its geometry.

    This is what was removed as ``write`` carries it out: padding stays, and stored numbers are whole and limited. Where
    several frames lie at each place, the file has a fourth dimension.

    Args:
        files: as passed to ``read``.
        removed: as passed to ``write``.
        output: the file to write.

    Raises:
        InputError: if a source can no longer be read, or its slices lie on no grid, so that no affine would be true.
        ValueError: if the numbers of files and slices differ.
    """
    planes = removed[np.newaxis] if removed.ndim == 2 else np.moveaxis(removed, 2, 0)
    # The header of the output comes first and needs all places: until they are known, the values wait in a file.
    with whole_file(output) as partial, NamedTemporaryFile(dir=partial.parent) as spool:
        places: list[Plane] = []
        for path in files:
            places += _write_difference(path, planes[len(places) :], spool.file)
        _check_all_used(planes, len(places))
        spool.flush()
        shape = (*planes.shape[1:], *removed.shape[2:])
        values = np.memmap(spool.file, np.float32, "r", 0, shape, "F")
        _save_on_grid(values, places, files[0], partial, "a residual", "Subtract the outputs yourself.")


def write_map(files: Sequence[Path], values: npt.NDArray[np.floating], output: Path) -> None:
    """Write numbers that belong to the pixels as float32 NIfTI, as ``write_residual`` does.

    Args:
        files: as passed to ``read``.
        values: same shape as ``Scan.values``.
        output: the file to write.

    Raises:
        InputError: if a source can no longer be read, or its slices lie on no grid, so that no affine would be true.
        ValueError: if the numbers of files and slices differ.
    """
    places: list[Plane] = []
    for path in files:
        dataset = load(path)
        places += [plane(dataset, index) for index in range(frame_count(dataset))]
    _check_all_used(values[np.newaxis] if values.ndim == 2 else np.moveaxis(values, 2, 0), len(places))
    with whole_file(output) as partial:
        numbers = values.astype(np.float32, copy=False)
        _save_on_grid(numbers, places, files[0], partial, "a noise map", "Ask for it in Python: Denoiser.noise_map.")


def _save_on_grid(
    values: npt.NDArray[np.float32], places: Sequence[Plane], source: Path, output: Path, what: str, cure: str
) -> None:
    """Save ``(H, W)`` or ``(H, W, slices)`` as NIfTI with the affine of the slices' places."""
    grid = find_grid(places)
    if grid is None:
        found = f"{unevenness(places) or 'uneven steps'} in {source}"
        raise InputError(f"slices must lie at even steps for {what}, got {found}. {cure}")
    image = nibabel.Nifti1Image(grid.arrange(values), grid.affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, output)


def _write_difference(path: Path, planes: npt.NDArray[np.floating], stream: IO[bytes]) -> list[Plane]:
    """Write what the frames of a file lose, float32 in NIfTI's order, and give their places."""
    dataset, places = load(path), []
    for index, frame in enumerate(frames(dataset, planes, path)):
        difference = np.zeros(planes.shape[1:], np.float32)
        if frame.changed:
            steps = luminance(frame.before, frame.format.color) - luminance(frame.after, frame.format.color)
            difference[:] = steps * Units.of(dataset, index, frame.format, path).slope
        stream.write(difference.tobytes("F"))
        places.append(plane(dataset, index))
    return places


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


def _series_extremes(files: Sequence[Path], planes: npt.NDArray[np.floating]) -> tuple[int, int]:
    """Find the lowest and highest number of all outputs, which each file of such a series repeats."""
    start, ends = 0, []
    for path in files:
        dataset = load(path)
        for frame in frames(dataset, planes[start:], path):
            ends += [int(frame.after.min()), int(frame.after.max())]
        start += frame_count(dataset)
    return min(ends), max(ends)


def _write_pixels(dataset: Dataset, planes: npt.NDArray[np.floating], path: Path, stream: IO[bytes]) -> _Written:
    """Write the pixels of an output as they are to be stored, and go back to their start."""
    changed, ends = False, []
    for frame in frames(dataset, planes, path):
        stream.write(_stored(dataset, frame))
        changed |= frame.changed
        ends += [int(frame.after.min()), int(frame.after.max())]
    stream.write(b"\0" * (stream.tell() % 2))
    stream.seek(0)
    return _Written(frame.format, changed, (min(ends), max(ends)))


def _stored(dataset: Dataset, frame: Frame) -> bytes:
    """Arrange the words of a frame as the source's header says, little endian."""
    little = frame.words.astype(frame.words.dtype.newbyteorder("<"), copy=False)
    if _paired(dataset, frame.format):
        pairs = little.reshape(-1, 2, 3)  # two pixels share the chroma of the first: Y Y Cb Cr
        little = np.column_stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]])
    elif _planar(dataset, frame.format):
        little = np.moveaxis(little, -1, 0)
    return little.tobytes()


def _paired(dataset: Dataset, pixels: PixelFormat) -> bool:
    return pixels.color == "ybr" and dataset.PhotometricInterpretation == "YBR_FULL_422"


def _planar(dataset: Dataset, pixels: PixelFormat) -> bool:
    colors = pixels.color in ("rgb", "ybr")
    return colors and dataset.get("PlanarConfiguration") == 1 and not _paired(dataset, pixels)


def _describe_pixels(dataset: Dataset, pixels: _Written, series_extremes: tuple[int, int] | None) -> None:
    """Put what describes pixels into a data set, and take out the source's."""
    planar = _planar(dataset, pixels.format)
    if pixels.format.color == "rgb":
        _describe_rgb(dataset, pixels.format)
    if dataset.get("SamplesPerPixel", 1) > 1:
        dataset.PlanarConfiguration = int(planar)
    # Compressed sources may leave HighBit anywhere; uncompressed ones keep theirs.
    dataset.BitsStored, dataset.HighBit = pixels.format.bits_stored, pixels.format.high_bit
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData"):
        dataset.pop(keyword, None)
    if pixels.changed:
        _correct_extremes(dataset, EXTREMES, pixels.extremes)
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
