"""The file of a NIfTI-1 or NIfTI-2 in two parts: its header, which is kept, and its stored numbers, block by block.

nibabel interprets the header; the numbers are read as they lie in the file, never all of them at once.

Reference: nifti1.h, nifti2.h.
"""

from __future__ import annotations

import gzip
import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, TypeAlias, cast

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.spatialimages import HeaderDataError

from monai_gan_denoise.io.limits import MAX_DEFLATE_RATIO, check_claim, check_slice
from monai_gan_denoise.scans.errors import InputError

__all__ = ["VOLUME_AXES", "Header", "NiftiFile", "no_image", "open_nifti"]

CHUNK = 1 << 24  # bytes read at once, so that a header's claim alone never takes memory
BLOCK = 1 << 22  # bytes of stored numbers worked on at once; in float64, and in its copies, they are many times that
VOLUME_AXES = 3
# Intents whose numbers are no intensities: labels (also as NeuroNames), matrices, displacements, vectors, points,
# triangles, quaternions. What lies below are statistics and estimates, which are images.
NO_INTENSITIES = range(1002, 1011)

logger = logging.getLogger(__name__)
Array: TypeAlias = npt.NDArray[np.generic]
Header: TypeAlias = Any  # nibabel.Nifti1Header or its subclass Nifti2Header; their methods carry no types


@dataclass(frozen=True)
class NiftiFile:
    """A file's header and layout.

    Attributes:
        path: the file.
        header: as nibabel understands it.
        head: everything before the data, extensions included.
        shape: of the data.
        dtype: of the stored numbers, with the file's byte order.
    """

    path: Path
    header: Header
    head: bytes
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept of the values; 1 and 0 where there are none.

        Raises:
            InputError: if the intercept is not finite.
        """
        try:
            slope, inter = self.header.get_slope_inter()
        except HeaderDataError as error:
            found = f"{self.header['scl_inter']} in {self.path}"
            raise InputError(f"scl_inter must be finite, got {found}. Convert it again.") from error
        return (1.0, 0.0) if slope is None else (slope, inter)

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """Voxel index to millimeters, 4 x 4.

        Raises:
            InputError: if it is not finite, or there is no rotation.
        """
        try:
            affine = np.asarray(self.header.get_best_affine(), dtype=np.float64)
        except (HeaderDataError, ValueError) as error:
            raise InputError(f"qform must be a rotation, got {error} in {self.path}. Repair the header.") from error
        if not np.isfinite(affine).all():
            raise InputError(f"affine must be finite, got {affine.tolist()} in {self.path}. Repair the header.")
        return affine

    def blocks(self) -> Iterator[tuple[Any, Array]]:
        """Read the stored numbers in the file's order.

        Yields:
            The index of a block, a part of the last axis but at most the fourth; and its numbers.

        Raises:
            InputError: if the file is truncated or corrupt.
        """
        axis = min(len(self.shape), VOLUME_AXES + 1) - 1
        count, others = self.shape[axis], self.shape[:axis]
        plane = math.prod(others) * self.dtype.itemsize
        step = max(1, BLOCK // plane)
        left = math.prod(self.shape[axis:]) * plane
        with _refusing(self.path), _opened(self.path) as stream:
            _exactly(stream, len(self.head), self.path)
            for last in np.ndindex(self.shape[axis + 1 :]):
                for start in range(0, count, step):
                    size = min(step, count - start)
                    left -= size * plane
                    data = _exactly(stream, size * plane, self.path, later=left)
                    numbers = np.frombuffer(data, self.dtype).reshape(*others, size, order="F")
                    yield (..., slice(start, start + size), *last), numbers
            _refuse_more(stream, self.path)


def open_nifti(path: Path) -> NiftiFile:
    """Read what comes before the data.

    Raises:
        InputError: if the file is no NIfTI, its header is invalid or claims more than the file can hold.
    """
    with _refusing(path), _opened(path) as stream:
        header, block = _header(stream, path)
        offset, shape, dtype = _layout(header, path)
        return NiftiFile(path, header, bytes(block + _exactly(stream, offset - len(block), path)), shape, dtype)


def no_image(path: Path) -> str | None:
    """Say why a file holds no image to denoise, by its intent; None if it may, or if it cannot be read."""
    try:
        with _refusing(path), _opened(path) as stream:
            return _no_intensities(_header(stream, path)[0], path)
    except Exception:  # whatever the parser stumbles over, reading says
        return None


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn the errors of a damaged file into one that names it."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"files must be whole, got {error} in {path}. Copy or convert it again.") from error


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _header(stream: IO[bytes], path: Path) -> tuple[Header, bytes]:
    start = stream.read(4)
    sizes = {int.from_bytes(start, "little"), int.from_bytes(start, "big")}
    kinds: tuple[Any, Any] = (nibabel.Nifti1Header, nibabel.Nifti2Header)
    kind = next((one for one in kinds if one.sizeof_hdr in sizes), None)
    if kind is None:
        raise InputError(f"files must be NIfTI by their content, got {start!r} at the start of {path}. Convert it.")
    block = start + _exactly(stream, kind.sizeof_hdr - len(start), path)
    try:
        header = kind(block, check=False)
        # What nibabel mends it mends for us only, as the bytes of the header are copied: nothing that a user must know.
        header.check_fix(SimpleNamespace(log=partial(_note, path)), error_level=40)
    except HeaderDataError as error:
        raise InputError(f"header must be valid, got {error} in {path}. Convert it again.") from error
    if header["magic"].item() != header.single_magic:
        raise InputError(f"header and data must be in one file, got a .hdr/.img header in {path}. Convert it to .nii.")
    return header, block


def _note(path: Path, _: int, message: str) -> None:
    logger.debug("%s in %s", message, path)


def _layout(header: Header, path: Path) -> tuple[int, tuple[int, ...], np.dtype[np.generic]]:
    if reason := _no_intensities(header, path):
        raise InputError(reason)
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    if not 2 <= len(shape) <= 5 or min(shape) < 1:
        raise InputError(f"dim must be 2 to 5 positive sizes, got {shape} in {path}. Convert it again.")
    if dtype.kind not in "iuf":
        name = header.get_value_label("datatype")
        raise InputError(f"datatype must be integer or floating, got {name} in {path}. Convert it to one image a part.")
    raw = float(header["vox_offset"])
    offset = int(raw or header.single_vox_offset) if math.isfinite(raw) else -1
    if offset < header.sizeof_hdr:
        raise InputError(f"vox_offset must lie behind the header, got {raw} in {path}. Convert it again.")
    packing = MAX_DEFLATE_RATIO if path.name.lower().endswith(".gz") else 1
    check_claim(offset + math.prod(shape) * dtype.itemsize, path.stat().st_size * packing, path)
    check_slice(shape, path)
    return offset, shape, dtype


def _no_intensities(header: Header, path: Path) -> str | None:
    code = int(header["intent_code"])
    if code not in NO_INTENSITIES:
        return None
    found = f"{code} ({header.get_value_label('intent_code')}) in {path}"
    return f"intent_code must be one of an image, got {found}. Leave it out, or set it to 0 if this is an image."


def _exactly(stream: IO[bytes], size: int, path: Path, later: int = 0) -> bytearray:
    """Read ``size`` bytes; ``later`` are those that must follow, for the message."""
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(CHUNK, size - len(data)))
        if not chunk:
            missing = size - len(data) + later
            raise InputError(f"files must be whole, got an end {missing} bytes early in {path}. Copy it again.")
        data += chunk
    return data


def _refuse_more(stream: IO[bytes], path: Path) -> None:
    """Read to the end, since a .gz compares its checksum there only, unless an archive unpacks on and on."""
    if len(stream.read(CHUNK)) == CHUNK:
        raise InputError(f"files must end with their data, got more than {CHUNK} bytes behind it in {path}. Cut it.")
