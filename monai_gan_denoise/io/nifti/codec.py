"""NIfTI-1 and NIfTI-2 in one file: the header and the stored numbers as they are, byte by byte.

nibabel rescales and rewrites headers when it saves, so it only interprets the header here. The bytes before the data
(header and extensions) are copied, and the data are the stored numbers less what was removed.

Reference: Cox et al., "A (sort of) new image data format standard: NIfTI-1", OHBM 2004; nifti1.h, nifti2.h.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.limits import check_memory, check_shape
from monai_gan_denoise.io.nifti.file import VOLUME_AXES, Header, NiftiFile, open_nifti
from monai_gan_denoise.scans.scan import Derivation, Scan, subtract
from monai_gan_denoise.scans.slices import thickest_axis

__all__ = ["SUFFIXES", "read", "shape_of", "volumes", "write", "write_map", "write_residual"]

SUFFIXES = (".nii", ".nii.gz")
DESCRIP_BYTES = 79  # the field holds 80, the last of them zero

Array: TypeAlias = npt.NDArray[np.generic]


def read(files: Sequence[Path]) -> Scan:
    """Read a NIfTI file.

    Args:
        files: one file, ``.nii`` or ``.nii.gz``, of two to five dimensions.

    Returns:
        Values ``(X, Y)``, ``(X, Y, Z)`` or with more axes, ``scl_slope * stored + scl_inter``.

    Raises:
        InputError: if the file is truncated, corrupt or of a type without an order (complex, color).
    """
    source = open_nifti(files[0])
    slope, inter = source.scaling
    check_memory(4 * math.prod(source.shape), source.path)
    values = np.empty(source.shape, np.float32)  # in C order, as MONAI would copy anything else
    for where, numbers in source.blocks():
        values[where] = _scaled(numbers, slope, inter)
    return _scan(source, values)


def shape_of(path: Path) -> tuple[int, ...]:
    """Read the shape of ``Scan.values`` from the header alone.

    Raises:
        InputError: as of ``read``, for what the header tells.
    """
    return open_nifti(path).shape


def volumes(files: Sequence[Path]) -> Iterator[Scan]:
    """Read a file of four or five dimensions a volume at a time, those of the fourth axis before those of the fifth.

    Args:
        files: one file, as for ``read``.

    Yields:
        Scans of three dimensions, as ``read`` gives them of all.

    Raises:
        InputError: as of ``read``.
    """
    source = open_nifti(files[0])
    slope, inter = source.scaling
    check_memory(4 * math.prod(source.shape[:VOLUME_AXES]), source.path)
    for _, numbers in source.blocks():
        for index in range(numbers.shape[VOLUME_AXES]):
            values = np.empty(source.shape[:VOLUME_AXES], np.float32)
            values[...] = _scaled(numbers[..., index], slope, inter)
            yield _scan(source, values)


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
    source = open_nifti(files[0])
    check_shape(removed, source.shape, files[0])
    slope, _ = source.scaling
    head = source.head
    if removed.any():
        start = source.header.template_dtype.fields["descrip"][1]
        descrip = derivation.description.encode()[:DESCRIP_BYTES].decode(errors="ignore").encode()
        head = head[:start] + descrip.ljust(DESCRIP_BYTES + 1, b"\0") + head[start + DESCRIP_BYTES + 1 :]
    with _saved(outputs[0]) as stream:
        stream.write(head)
        for where, numbers in source.blocks():
            changed = subtract(numbers, removed[where].astype(np.float64) / slope)
            stream.write(_in_file_order(changed.astype(source.dtype, copy=False)))


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write input minus output as float32, in the units of ``Scan.values`` and with the source's geometry.

    This is what was removed as ``write`` carries it out: stored numbers are rounded and limited.

    Args:
        files: the source.
        removed: as passed to ``write``.
        output: the file to write, ``.nii`` or ``.nii.gz``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source.
    """
    source = open_nifti(files[0])
    check_shape(removed, source.shape, files[0])
    slope, _ = source.scaling
    header = _float_header(source)
    with _saved(output) as stream:
        stream.write(header.binaryblock.ljust(header.single_vox_offset, b"\0"))
        for where, numbers in source.blocks():
            changed = subtract(numbers, removed[where].astype(np.float64) / slope)
            difference = (numbers.astype(np.float64) - changed) * slope
            stream.write(_in_file_order(difference.astype(header.get_data_dtype())))


def write_map(files: Sequence[Path], values: npt.NDArray[np.floating], output: Path) -> None:
    """Write numbers that belong to the pixels as float32 with the source's geometry.

    Args:
        files: the source.
        values: same shape as ``Scan.values``.
        output: the file to write, ``.nii`` or ``.nii.gz``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``values`` have another shape than the source.
    """
    source = open_nifti(files[0])
    check_shape(values, source.shape, files[0])
    header = _float_header(source)
    with _saved(output) as stream:
        stream.write(header.binaryblock.ljust(header.single_vox_offset, b"\0"))
        for where, _ in source.blocks():
            stream.write(_in_file_order(values[where].astype(header.get_data_dtype())))


def _float_header(source: NiftiFile) -> Header:
    """Give the source's header for float32 without scaling and without extensions, which tell of the source."""
    header = source.header.copy()
    header.set_data_dtype(np.float32)
    header["scl_slope"], header["scl_inter"], header["cal_min"], header["cal_max"] = 1, 0, 0, 0
    header["vox_offset"] = header.single_vox_offset
    return header


def _scan(source: NiftiFile, values: npt.NDArray[np.float32]) -> Scan:
    """Add to values what the header says."""
    slice_axis = _slice_axis(source.header) if len(source.shape) > 2 else None
    bit_range = None
    if source.dtype.itemsize == 1:
        slope, inter = source.scaling
        info = np.iinfo(source.dtype.name)
        ends = (info.min * slope + inter, info.max * slope + inter)
        bit_range = (min(ends), max(ends))
    placed = bool(source.header["sform_code"] > 0 or source.header["qform_code"] > 0)
    return Scan(values, source.affine, slice_axis, bit_range, placed=placed)


def _slice_axis(header: Header) -> int:
    marked = header.get_dim_info()[2]
    if marked is not None:
        return int(marked)
    return thickest_axis([abs(float(size)) for size in header["pixdim"][1:4]], header.get_data_shape())


def _scaled(numbers: Array, slope: float, inter: float) -> npt.NDArray[np.float32]:
    """Give values; what float32 cannot hold becomes infinite, and is refused as such."""
    with np.errstate(over="ignore"):
        if (slope, inter) == (1, 0):
            return numbers.astype(np.float32)
        exact = np.multiply(numbers, slope, dtype=np.float64, casting="unsafe")
        exact += inter
        return exact.astype(np.float32)


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
