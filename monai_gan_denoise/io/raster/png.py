"""The chunks of a PNG: resolution, color space and text go from the source to the result.

Reference: "Portable Network Graphics (PNG) Specification (Third Edition)", W3C, chapters 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

__all__ = [
    "GRAY",
    "GRAY_ALPHA",
    "SIGNATURE",
    "exif_chunks",
    "has_transparency",
    "kept_chunks",
    "resolution_chunks",
    "with_chunks",
]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, GRAY_ALPHA = b"\x00", b"\x04"  # color types
KEPT = (b"pHYs", b"sCAL", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
FRAME = 12  # bytes of a chunk besides its body: length, name and checksum
MM_PER_METER = 1000


def kept_chunks(png: bytes) -> list[bytes]:
    """Find the chunks of a source that hold for its result too."""
    return [chunk for chunk in _chunks(png) if chunk[4:8] in KEPT]


def has_transparency(png: bytes) -> bool:
    """Tell whether a color stands for transparent pixels."""
    return any(chunk[4:8] == b"tRNS" for chunk in _chunks(png))


def resolution_chunks(spacing: Sequence[float]) -> list[bytes]:
    """Make the pHYs chunk of a spacing, ``(x, y)`` in millimeters; none of 1 mm, which stands for an unknown one."""
    per_meter = [round(MM_PER_METER / size) for size in spacing]
    if per_meter == [MM_PER_METER, MM_PER_METER]:
        return []
    return [_chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1))]


def exif_chunks(exif: bytes) -> list[bytes]:
    """Make the eXIf chunk of what a JPEG holds, its orientation above all; none if that is empty."""
    body = exif.removeprefix(b"Exif\0\0")
    return [_chunk(b"eXIf", body)] if body else []


def with_chunks(png: bytes, kept: Sequence[bytes]) -> bytes:
    """Give a PNG these chunks in place of all but its header and its pixels."""
    header, *others = _chunks(png)
    pixels = [chunk for chunk in others if chunk[4:8] in (b"IDAT", b"IEND")]
    return b"".join([SIGNATURE, header, *kept, *pixels])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(png: bytes) -> Iterator[bytes]:
    start = len(SIGNATURE)
    while start < len(png):
        end = start + FRAME + int.from_bytes(png[start : start + 4], "big")
        yield png[start:end]
        start = end
