"""NIfTI-1 and NIfTI-2 in one file: the header and the stored numbers as they are, byte by byte.

nibabel rescales and rewrites headers when it saves, so it only interprets the header here. The bytes before the data
(header and extensions) are copied, and the data are the stored numbers less what was removed.

Reference: Cox et al., "A (sort of) new image data format standard: NIfTI-1", OHBM 2004; nifti1.h, nifti2.h.
"""

from __future__ import annotations

import gzip
import logging
import math
import zlib
from collections.abc import Iterator, Sequence
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

from monai_gan_denoise.io.checks import MAX_DEFLATE_RATIO, check_claim, check_shape
from monai_gan_denoise.io.scan import Derivation, InputError, Scan, subtract
from monai_gan_denoise.io.slicing import thickest_axis
from monai_gan_denoise.io.whole import whole_file

__all__ = ["SUFFIXES", "read", "write", "write_residual"]

SUFFIXES = (".nii", ".nii.gz")
DESCRIP_BYTES = 79  # the field holds 80, the last of them zero
CHUNK = 1 << 24  # bytes read at once, so that a header's claim alone never takes memory
BLOCK = 1 << 22  # bytes of stored numbers worked on at once; in float64, and in its copies, they are many times that

logger = logging.getLogger(__name__)
Array: TypeAlias = npt.NDArray[np.generic]
Header: TypeAlias = Any  # nibabel.Nifti1Header or its subclass Nifti2Header; their methods carry no types


@dataclass(frozen=True)
class _Source:
    """A file's header and layout; its numbers are read a block at a time, never all at once."""

    path: Path
    header: Header
    head: bytes  # everything before the data, extensions included
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]  # with the file's byte order

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Read the stored numbers in the file's order.

        Yields:
            Where along the last axis a block lies, and its numbers, which have all other axes whole.

        Raises:
            InputError: if the file is truncated or corrupt.
        """
        *others, count = self.shape
        plane = math.prod(others) * self.dtype.itemsize
        step = max(1, BLOCK // plane)
        with _refusing(self.path), _opened(self.path) as stream:
            _exactly(stream, len(self.head), self.path)
            for start in range(0, count, step):
                size = min(step, count - start)
                data = _exactly(stream, size * plane, self.path, later=(count - start - size) * plane)
                yield slice(start, start + size), np.frombuffer(data, self.dtype).reshape(*others, size, order="F")
            while stream.read(CHUNK):  # a .gz compares its checksum at the end only
                pass


def read(files: Sequence[Path]) -> Scan:
    """Read a NIfTI file.

    Args:
        files: one file, ``.nii`` or ``.nii.gz``, of two to five dimensions.

    Returns:
        Values ``(X, Y)``, ``(X, Y, Z)`` or with more axes, ``scl_slope * stored + scl_inter``.

    Raises:
        InputError: if the file is truncated, corrupt or of a type without an order (complex, color).
    """
    path = files[0]
    source = _open(path)
    slope, inter = _scaling(source.header, path)
    slice_axis = _slice_axis(source.header) if len(source.shape) > 2 else None
    values = np.empty(source.shape, np.float32)  # in C order, as MONAI would copy anything else
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        for where, numbers in source.blocks():
            values[..., where] = numbers if (slope, inter) == (1, 0) else _scaled(numbers, slope, inter)
    bit_range = None
    if source.dtype.itemsize == 1:
        info = np.iinfo(source.dtype.name)
        ends = (info.min * slope + inter, info.max * slope + inter)
        bit_range = (min(ends), max(ends))
    return Scan(values, _affine(source.header, path), slice_axis, bit_range)


def write(
    files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
) -> None:
    """Write the source less what was removed, with the source's header, extensions, type, byte order and scaling.

    The header's ``descrip`` names the derivation if anything was removed; else the header is the source's.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        outputs: the file to write, ``.nii`` or ``.nii.gz``.
        derivation: how the output was made.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source.
    """
    source = _open(files[0])
    check_shape(removed, source.shape, files[0])
    slope, _ = _scaling(source.header, files[0])
    head = source.head
    if removed.any():
        start = source.header.template_dtype.fields["descrip"][1]
        descrip = derivation.description.encode()[:DESCRIP_BYTES].decode(errors="ignore").encode()
        head = head[:start] + descrip.ljust(DESCRIP_BYTES + 1, b"\0") + head[start + DESCRIP_BYTES + 1 :]
    with _saved(outputs[0]) as stream:
        stream.write(head)
        for where, numbers in source.blocks():
            changed = subtract(numbers, removed[..., where].astype(np.float64) / slope)
            stream.write(_in_file_order(changed.astype(source.dtype, copy=False)))


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write what was removed as float32, with the geometry of the source's header.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        output: the file to write, ``.nii`` or ``.nii.gz``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source.
    """
    source = _open(files[0])
    check_shape(removed, source.shape, files[0])
    header = source.header.copy()
    header.set_data_dtype(np.float32)
    header["scl_slope"], header["scl_inter"], header["cal_min"], header["cal_max"] = 1, 0, 0, 0
    header["vox_offset"] = header.single_vox_offset
    head = header.binaryblock.ljust(header.single_vox_offset, b"\0")  # no extension: what one says is of the source
    with _saved(output) as stream:
        stream.write(head)
        for index in range(removed.shape[-1]):
            stream.write(_in_file_order(removed[..., index].astype(header.get_data_dtype())))


def _open(path: Path) -> _Source:
    with _refusing(path), _opened(path) as stream:
        header, block = _header(stream, path)
        offset, shape, dtype = _layout(header, path)
        return _Source(path, header, bytes(block + _exactly(stream, offset - len(block), path)), shape, dtype)


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
    return offset, shape, dtype


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


def _scaling(header: Header, path: Path) -> tuple[float, float]:
    try:
        slope, inter = header.get_slope_inter()
    except HeaderDataError as error:
        raise InputError(f"scl_inter must be finite, got {header['scl_inter']} in {path}. Convert it again.") from error
    return (1.0, 0.0) if slope is None else (slope, inter)


def _scaled(numbers: Array, slope: float, inter: float) -> npt.NDArray[np.float32]:
    exact = np.multiply(numbers, slope, dtype=np.float64, casting="unsafe")
    exact += inter
    return exact.astype(np.float32)


def _affine(header: Header, path: Path) -> npt.NDArray[np.float64]:
    try:
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError) as error:
        raise InputError(f"qform must be a rotation, got {error} in {path}. Repair the header.") from error
    if not np.isfinite(affine).all():
        raise InputError(f"affine must be finite, got {affine.tolist()} in {path}. Repair the header.")
    return affine


def _slice_axis(header: Header) -> int:
    marked = header.get_dim_info()[2]
    if marked is not None:
        return int(marked)
    return thickest_axis([abs(float(size)) for size in header["pixdim"][1:4]], header.get_data_shape())


@contextmanager
def _saved(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears whole, packed if its name says so."""
    with whole_file(path) as unfinished, unfinished.open("wb") as stream:
        if not path.name.lower().endswith(".gz"):
            yield stream
            return
        # No name and no time in the gzip header: the same input gives the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
            yield cast(IO[bytes], packed)


def _in_file_order(numbers: Array) -> memoryview:
    return np.ascontiguousarray(numbers.T).reshape(-1).view(np.uint8).data
