"""The file of an NRRD, MHA or MHD in two parts: its header as text, which is kept, and its data.

Reference: "Definition of NRRD File Format", teem.sourceforge.net/nrrd/format.html; "MetaIO", ITK's MetaImage headers.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.limits import MAX_DEFLATE_RATIO, check_start
from monai_gan_denoise.scans.errors import InputError

__all__ = [
    "DETACHED",
    "VolumeFile",
    "detached_files",
    "no_image",
    "read_volume_file",
    "write_volume_file",
    "written_data",
]

DETACHED = (".raw", ".zraw")  # what data in a file of their own are named as a rule
META_SUFFIXES = (".mha", ".mhd")
LOCAL = "LOCAL"  # in place of the name of a data file: the data follow the header
NRRD_SIGNATURE = b"NRRD00"  # MetaImage has no fixed start
NRRD_END = re.compile(rb"\r?\n\r?\n")
META_END = re.compile(rb"ElementDataFile[ \t]*=[ \t]*([^\r\n]*)(\r?\n|\Z)")  # by the format's rule the last field
USUAL_HEAD, MAX_HEAD = 2**16, 2**24  # bytes; a header may have lines for each frame of a long sequence
SEGMENT = rb"^Segment\d+_ID:="  # a key that 3D Slicer writes for each segment of a .seg.nrrd
KEYS = 1 << 16  # bytes in which the first segment is named; they are sorted, and a segment has about ten short keys
ROUNDED = 1e-5  # relative; old writers give a size in six digits and an exponent
ZLIB_OR_GZIP = 47  # window bits that make zlib find out which of the two it is

Array: TypeAlias = npt.NDArray[np.generic]


@dataclass(frozen=True)
class VolumeFile:
    """The two parts of a file.

    Attributes:
        path: the file.
        head: everything before the data.
        data: the file that holds the data, another than ``path`` in MHD.
        body: the data as they lie there.
        packed: whether the data are compressed, by zlib or gzip.
        big_endian: whether the numbers have their highest byte first.
    """

    path: Path
    head: bytes
    data: Path
    body: bytes
    packed: bool
    big_endian: bool

    def held(self, claimed: int) -> int:
        """Count the bytes of unpacked data, up to ``claimed``; those of absurd claims are not unpacked."""
        if self.packed and claimed > len(self.body) * MAX_DEFLATE_RATIO:
            return len(self.body) * MAX_DEFLATE_RATIO
        return len(self._unpacked(claimed))

    def layout(self, numbers: Array, vector: bool) -> tuple[np.dtype[np.generic], bool]:
        """Find the order in which decoded numbers lie in the file.

        Args:
            numbers: as decoded, channels last.
            vector: whether there are channels.

        Returns:
            The type with its byte order, and whether channels come first.

        Raises:
            InputError: if the file holds other numbers, whatever the order.
        """
        dtype = numbers.dtype.newbyteorder(">" if self.big_endian else "<")
        held = self._unpacked(numbers.nbytes)
        for planar in (False, True)[: 1 + vector]:
            if (np.moveaxis(numbers, -1, 0) if planar else numbers).astype(dtype).tobytes() == held:
                return dtype, planar
        raise InputError(f"data must follow the header in one block, got another layout in {self.path}. Convert it.")

    def _unpacked(self, size: int) -> bytes:
        return zlib.decompressobj(ZLIB_OR_GZIP).decompress(self.body, size) if self.packed else self.body[:size]


def detached_files(path: Path) -> list[Path]:
    """Name the file that holds the data of an MHD or MHA, if that is another one; of other formats there is none."""
    if path.suffix.lower() not in META_SUFFIXES or not path.is_file():
        return []
    try:
        with path.open("rb") as stream:
            head = stream.read(USUAL_HEAD)
            end = META_END.search(head)
            if end is None or end.end() == len(head):
                end = META_END.search(head + stream.read(MAX_HEAD - USUAL_HEAD))
        data = _beside(path, _data_name(end)) if end else None
    except OSError:  # which reading the image says
        return []
    return [data] if data and data != path else []


def written_data(source: Path, output: Path) -> list[Path]:
    """Name the file beside an output that its data are written to, if the source has its own beside it."""
    return [_detached(data, output) for data in detached_files(source)]


def no_image(path: Path) -> str | None:
    """Say why a file holds no image to denoise, by the keys of an NRRD; None if it may, or if it cannot be read."""
    if not _is_nrrd(path):
        return None
    try:
        with path.open("rb") as stream:
            return _segments(re.split(NRRD_END, stream.read(KEYS), maxsplit=1)[0], path)
    except OSError:  # which reading says
        return None


def read_volume_file(path: Path) -> VolumeFile:
    """Part a file into header and data.

    Raises:
        InputError: if the data are not in this file (or, of MHD and MHA, in one beside it), or neither raw nor
            compressed by zlib or gzip.
    """
    nrrd = _is_nrrd(path)
    if nrrd:
        check_start(path, (NRRD_SIGNATURE,))
    blob = path.read_bytes()
    end = NRRD_END.search(blob) if nrrd else META_END.search(blob, 0, MAX_HEAD)
    if end is None:
        raise InputError(f"header must end before the data, got no end in {path}. Copy or convert it again.")
    head, body = blob[: end.end()], blob[end.end() :]
    lines = re.findall(r"^\s*([^:=\n]+?)\s*[:=]=?\s*(.*?)\s*$", head.decode("latin-1"), re.MULTILINE)
    fields = {key.lower(): value.lower() for key, value in lines}
    if nrrd:
        return _nrrd_file(path, head, body, fields)
    return _meta_file(path, head, body, fields, _data_name(end))


def write_volume_file(source: VolumeFile, numbers: Array, output: Path) -> None:
    """Write other numbers under the source's header, in its encoding and byte order.

    Args:
        source: the file whose header is copied.
        numbers: in the order in which they are to lie in the file, with their byte order in the dtype.
        output: the file to write; data that the source has beside it appear beside this one, under the same stem.

    Raises:
        InputError: if the data would replace those of the source.
    """
    data = numbers.tobytes()
    if source.packed:
        data = gzip.compress(data, mtime=0) if _is_nrrd(source.path) else zlib.compress(data)
    head = re.sub(rb"(CompressedDataSize[ \t]*=[ \t]*)[^\r\n]*", rb"\g<1>%d" % len(data), source.head)
    if source.data == source.path:
        with whole_file(output) as partial:
            partial.write_bytes(head + data)
        return
    detached = _detached(source.data, output)
    if detached.resolve() == source.data.resolve():
        raise InputError(f"OUTPUT must leave INPUT as it is, got data in {detached} for both. Name another.")
    line = b"ElementDataFile = " + os.fsencode(detached.name) + b"\n"
    head = head[: head.rindex(b"ElementDataFile")] + line
    # The inner file appears first: a header never stands without its data.
    with whole_file(output) as header, whole_file(detached) as partial:
        partial.write_bytes(data)
        header.write_bytes(head)


def _is_nrrd(path: Path) -> bool:
    return path.suffix.lower() == ".nrrd"


def _segments(head: bytes, path: Path) -> str | None:
    if not (found := re.search(SEGMENT, head, re.MULTILINE)):
        return None
    return f"NRRD must hold an image, got a segmentation ({found.group()[:-2].decode()}) in {path}. Leave it out."


def _nrrd_file(path: Path, head: bytes, body: bytes, fields: dict[str, str]) -> VolumeFile:
    if reason := _segments(head, path):
        raise InputError(reason)
    if "data file" in fields or "datafile" in fields:
        raise InputError(f"header and data must be in one file, got a detached header in {path}. Convert it.")
    encoding = fields.get("encoding", "none")
    if encoding not in ("raw", "gzip", "gz"):
        raise InputError(f"encoding must be raw or gzip, got {encoding} in {path}. Convert it.")
    return VolumeFile(path, head, path, body, encoding != "raw", fields.get("endian") == "big")


def _meta_file(path: Path, head: bytes, body: bytes, fields: dict[str, str], name: str) -> VolumeFile:
    data = _beside(path, name)
    if data is None:
        raise InputError(
            f"ElementDataFile must be LOCAL or a file beside the header, got {name} in {path}. Convert it."
        )
    big_endian = "true" in (fields.get("binarydatabyteordermsb"), fields.get("elementbyteordermsb"))
    packed = fields.get("compresseddata") == "true"
    body = body if data == path else data.read_bytes()
    if packed:  # MetaIO allocates what this says, whatever the file holds
        _check_packed_size(fields.get("compresseddatasize", "0"), len(body), path)
    return VolumeFile(path, head, data, body, packed, big_endian)


def _data_name(end: re.Match[bytes]) -> str:
    return end.group(1).decode(errors="replace").strip()


def _beside(path: Path, name: str) -> Path | None:
    """Find the data of a MetaImage; None if that is no file beside it, or another MetaImage, whose name is taken."""
    if name.upper() == LOCAL:
        return path
    if Path(name).name != name or Path(name).suffix.lower() in META_SUFFIXES:
        return None
    data = path.with_name(name)
    return data if data.is_file() else None


def _detached(data: Path, output: Path) -> Path:
    return output.with_suffix(data.suffix)


def _check_packed_size(claimed: str, held: int, path: Path) -> None:
    try:
        fits = 0 <= float(claimed) <= held * (1 + ROUNDED)
    except ValueError:
        fits = False
    if not fits:
        raise InputError(
            f"files must hold the CompressedDataSize of their header, got {claimed} and {held} bytes in {path}. "
            "Copy it again."
        )
