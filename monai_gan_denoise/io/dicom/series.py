"""Which DICOM files make a stack of slices, in which order, and which are refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset

from monai_gan_denoise.io.dicom.geometry import Plane, plane
from monai_gan_denoise.io.dicom.header import frame_count, modality, numbers, read_header
from monai_gan_denoise.io.dicom.spacing import unevenness
from monai_gan_denoise.scans.errors import InputError

__all__ = ["Series", "find_series", "is_dicom"]

SUFFIXES = (".dcm", ".ima", ".dicom")
MAGIC = b"DICM"
PREAMBLE = 128  # bytes before MAGIC, PS3.10 section 7.1
FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")  # of a file without preamble: meta, identifying, big endian
ROUNDING = 3  # decimals of mm within which slices lie at one place
TOLERANCE = 1e-3  # mm and direction cosines within which slices are parallel and of one spacing


@dataclass(frozen=True)
class Series:
    """Files that are read as one image, volume or series.

    Attributes:
        files: in slice order.
        modality: ct, mr, xr, us or oct; None where the header's keyword is another.
        keyword: the header's Modality, as it stands; empty if absent.
        unevenness: what is uneven about the slices, in words; None if nothing is.
    """

    files: tuple[Path, ...]
    modality: str | None
    keyword: str
    unevenness: str | None = None


def is_dicom(path: Path) -> bool:
    """Tell whether a file is DICOM by its preamble or suffix, or, without a suffix, by being readable as such."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(PREAMBLE + len(MAGIC))
    if head[PREAMBLE:] == MAGIC or path.suffix.lower() in SUFFIXES:
        return True
    # A file named by a UID has a suffix of digits. Reading just any binary file by force could take long: look first.
    if (path.suffix and not path.suffix[1:].isdigit()) or head[:2] not in FIRST_GROUPS:
        return False
    try:
        return "SOPClassUID" in pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception:  # whatever the parser stumbles over, it is no DICOM file
        return False


def find_series(paths: Iterable[Path]) -> tuple[list[Series], list[tuple[Path, str]]]:
    """Group DICOM files into homogeneous stacks by their headers, without decoding pixels.

    A stack has one SeriesInstanceUID, size, orientation, spacing and pixel format; its slices are sorted by position
    along their normal, then by InstanceNumber. Multi-frame files, radiographs and ultrasound frames without a position
    are no slices of a stack and stand alone.

    Args:
        paths: DICOM files, in any order.

    Returns:
        The series, in the order of their first files' paths; and the files refused, each with the reason.
    """
    stacks: dict[tuple[Any, ...], list[tuple[tuple[float, float, str], Path, list[Plane]]]] = {}
    grids: dict[tuple[Any, ...], list[tuple[float, ...]]] = {}
    keywords: dict[tuple[Any, ...], str] = {}
    refused: list[tuple[Path, str]] = []
    for path in sorted(paths):
        try:
            header = read_header(path)
            alike, order = _stack_key(header, path), _slice_order(header, path)
        except InputError as error:
            refused.append((path, str(error)))
            continue
        key = (*alike, _grid(header, grids.setdefault(alike, [])))
        stacks.setdefault(key, []).append((order, path, _planes(header)))
        keywords[key] = str(header.get("Modality") or "")
    series = []
    for key, slices in stacks.items():
        slices.sort(key=lambda one: one[:2])
        planes = [each for *_, frames in slices for each in frames]
        files = tuple(path for _, path, _ in slices)
        series.append(Series(files, modality(keywords[key]), keywords[key], unevenness(planes)))
    return series, refused


def _stack_key(header: Dataset, path: Path) -> tuple[Any, ...]:
    """Give what the slices of one stack have in common to the letter."""
    kind = modality(str(header.get("Modality") or ""))
    still = kind == "xr" or (kind == "us" and not header.get("ImagePositionPatient"))
    if still or frame_count(header) > 1 or not header.get("SeriesInstanceUID"):
        return (str(path),)
    pixels = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")
    return (
        str(header.SeriesInstanceUID),
        str(header.get("Modality")),
        str(header.get("PhotometricInterpretation")),
        *(header.get(keyword) for keyword in pixels),
    )


def _grid(header: Dataset, known: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Give orientation and spacing, or those already known that differ by nothing but rounding."""
    where = plane(header)
    grid = (*where.along_row, *where.along_column, *where.spacing[:2])
    for other in known:
        if all(abs(a - b) <= TOLERANCE for a, b in zip(grid, other, strict=True)):
            return other
    known.append(grid)
    return grid


def _planes(header: Dataset) -> list[Plane]:
    """Give the planes of the frames that have functional groups of their own, or the only one."""
    groups = header.get("PerFrameFunctionalGroupsSequence") or [header]
    return [plane(header, frame) for frame in range(len(groups))]


def _slice_order(header: Dataset, path: Path) -> tuple[float, float, str]:
    """Sort slices by position, then InstanceNumber, then name so that the order never depends on the file system."""
    (number,) = numbers(header.get("InstanceNumber"), 1) or (0.0,)
    return round(plane(header).height or 0.0, ROUNDING), number, path.name
