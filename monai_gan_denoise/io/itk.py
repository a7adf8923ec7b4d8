"""Decoding and encoding through SimpleITK, which rasters and volumes share."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK

from monai_gan_denoise.io.limits import check_claim, check_memory, check_slice
from monai_gan_denoise.scans.errors import InputError

__all__ = ["ItkImage", "bit_range", "decode", "encode", "image_like", "raster_affine", "unreadable"]

sitk: Any = SimpleITK  # it carries no types
ItkImage: TypeAlias = Any
Array: TypeAlias = npt.NDArray[np.generic]


def decode(path: Path, image_io: str, held: Callable[[int], int]) -> ItkImage:
    """Decode a file with the named reader of ITK, in silence.

    Args:
        path: the file.
        image_io: ITK's name of the reader, such as "PNGImageIO".
        held: given how many bytes of pixels the header claims, says how many the file holds at most.

    Raises:
        InputError: if the file is truncated or corrupt, or its name is not UTF-8.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(_name(path))
    try:
        with _quiet():
            reader.ReadImageInformation()
            kind = reader.GetPixelID()
            channels = reader.GetNumberOfComponents() if "vector" in sitk.GetPixelIDValueAsString(kind) else 0
            pixel = sitk.GetArrayViewFromImage(sitk.Image([1, 1], kind, channels))
            claimed = math.prod(reader.GetSize()) * pixel.nbytes
            check_slice(reader.GetSize(), path)
            check_memory(claimed, path)
            check_claim(claimed, held(claimed), path)
            return reader.Execute()
    except (RuntimeError, zlib.error) as error:
        raise unreadable(path, error) from error


def encode(image: ItkImage, path: Path, compressor: str = "") -> None:
    """Write an image in the format that the suffix says, in silence.

    Args:
        image: the image.
        path: the file.
        compressor: ITK's name of the compression, "" for that of the format and "NoCompression" for none.

    Raises:
        InputError: if the file's name is not UTF-8.
    """
    writer = sitk.ImageFileWriter()
    writer.SetFileName(_name(path))
    writer.SetUseCompression(compressor != "NoCompression")
    writer.SetCompressor(compressor)
    with _quiet():
        writer.Execute(image)


def image_like(source: ItkImage, numbers: Array, vector: bool) -> ItkImage:
    """Give numbers the geometry of a source of the same size; ``vector`` tells whether the last axis is channels."""
    image = sitk.GetImageFromArray(numbers, isVector=vector)
    image.CopyInformation(source)
    return image


def bit_range(stored: Array) -> tuple[float, float] | None:
    """Tell the lowest and highest value that 8-bit numbers can hold; None of wider ones."""
    if stored.dtype.itemsize > 1:
        return None
    info = np.iinfo(stored.dtype.name)
    return float(info.min), float(info.max)


def raster_affine(image: ItkImage) -> npt.NDArray[np.float64]:
    """Give the affine of rows, columns and pages, which have a spacing and no position in the patient."""
    affine = np.eye(4)
    spacing = image.GetSpacing()
    order = [1, 0, 2][: len(spacing)]
    affine[range(len(order)), range(len(order))] = [spacing[axis] for axis in order]
    return affine


def unreadable(path: Path, error: Exception) -> InputError:
    """Turn a decoder's error into one that names the file; of many lines the last tells the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else type(error).__name__
    return InputError(f"files must be whole and readable, got {reason!r} in {path}. Copy or convert it again.")


def _name(path: Path) -> str:
    """Give a name to SimpleITK, which ends the whole process at one that is not UTF-8."""
    for part in path.parts:
        try:
            part.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"names must be UTF-8, got {part}. Rename it.") from error
    return str(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ITK's warnings from stderr; its errors are raised all the same."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
