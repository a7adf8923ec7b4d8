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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, TypeAlias, cast

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.spatialimages import HeaderDataError

from monai_gan_denoise.io.checks import MAX_DEFLATE_RATIO, check_claim, check_memory, check_shape, check_slice
from monai_gan_denoise.io.scan import Derivation, InputError, Scan, subtract
from monai_gan_denoise.io.slicing import thickest_axis
from monai_gan_denoise.io.whole import whole_file

__all__ = ["SUFFIXES", "read", "write", "write_residual"]

SUFFIXES = (".nii", ".nii.gz")
DESCRIP_BYTES = 79  # the field holds 80, the last of them zero
CHUNK = 1 << 24  # bytes read at once, so that a header's claim alone never takes memory

logger = logging.getLogger(__name__)
Array: TypeAlias = npt.NDArray[np.generic]
Header: TypeAlias = Any  # nibabel.Nifti1Header or its subclass Nifti2Header; their methods carry no types


@dataclass(frozen=True)
class _Stored:
    header: Header
    head: bytes  # everything before the data, extensions included
    numbers: Array  # as stored, in the file's byte order


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
    stored = _load(path)
    numbers, header = stored.numbers, stored.header
    slope, inter = _scaling(header, path)
    slice_axis = _slice_axis(header) if numbers.ndim > 2 else None
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        values = numbers.astype(np.float32) if (slope, inter) == (1, 0) else _scaled(numbers, slope, inter)
    bit_range = None
    if numbers.dtype.itemsize == 1:
        info = np.iinfo(numbers.dtype.name)
        ends = (info.min * slope + inter, info.max * slope + inter)
        bit_range = (min(ends), max(ends))
    return Scan(values, _affine(header, path), slice_axis, bit_range)


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
    stored = _load(files[0])
    check_shape(removed, stored.numbers.shape, files[0])
    slope, _ = _scaling(stored.header, files[0])
    numbers = subtract(stored.numbers, removed.astype(np.float64) / slope)
    head = stored.head
    if removed.any():
        start = stored.header.template_dtype.fields["descrip"][1]
        descrip = derivation.description.encode()[:DESCRIP_BYTES].decode(errors="ignore").encode()
        head = head[:start] + descrip.ljust(DESCRIP_BYTES + 1, b"\0") + head[start + DESCRIP_BYTES + 1 :]
    _save(outputs[0], head, numbers.astype(stored.numbers.dtype, copy=False))


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
    stored = _load(files[0])
    check_shape(removed, stored.numbers.shape, files[0])
    header = stored.header.copy()
    header.set_data_dtype(np.float32)
    header["scl_slope"], header["scl_inter"], header["cal_min"], header["cal_max"] = 1, 0, 0, 0
    header["vox_offset"] = header.single_vox_offset
    head = header.binaryblock.ljust(header.single_vox_offset, b"\0")  # no extension: what one says is of the source
    _save(output, head, removed.astype(header.get_data_dtype()))


def _load(path: Path) -> _Stored:
    try:
        with _opened(path) as stream:
            header, block = _header(stream, path)
            offset, shape, dtype = _layout(header, path)
            size = math.prod(shape) * dtype.itemsize
            head = block + _exactly(stream, offset - len(block), path)
            data = _exactly(stream, size, path)
            _refuse_more(stream, path)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"files must be whole, got {error} in {path}. Copy or convert it again.") from error
    return _Stored(header, head, np.frombuffer(data, dtype).reshape(shape, order="F"))


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
    check_slice(shape, path)
    check_memory(math.prod(shape) * dtype.itemsize, path)
    return offset, shape, dtype


def _exactly(stream: IO[bytes], size: int, path: Path) -> bytearray:
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(CHUNK, size - len(data)))
        if not chunk:
            missing = size - len(data)
            raise InputError(f"files must be whole, got an end {missing} bytes early in {path}. Copy it again.")
        data += chunk
    return data


def _refuse_more(stream: IO[bytes], path: Path) -> None:
    """Read to the end, since a .gz compares its checksum there only, unless an archive unpacks on and on."""
    if len(stream.read(CHUNK)) == CHUNK:
        raise InputError(f"files must end with their data, got more than {CHUNK} bytes behind it in {path}. Cut it.")


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


def _save(path: Path, head: bytes, numbers: Array) -> None:
    data = np.ascontiguousarray(numbers.T).reshape(-1).view(np.uint8)
    with whole_file(path) as unfinished, unfinished.open("wb") as stream:
        if not path.name.lower().endswith(".gz"):
            stream.write(head)
            stream.write(data.data)
            return
        # No name and no time in the gzip header: the same input gives the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
            packed.write(head)
            packed.write(data.data)
