"""The pages of a TIFF: what SimpleITK decodes wrongly without an error, and what it does not write.

The first are tiles, planes, odd depths, other orientations and a cut chain of pages. The second are the resolution in
the source's own unit, or none, and the texts, in which ImageJ and OME keep the spacing of the pages.

Reference: "TIFF, Revision 6.0", Aldus 1992; the numbers below are its tags and their values.
"""

from __future__ import annotations

import struct
import warnings
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

from monai_gan_denoise.io.itk import unreadable
from monai_gan_denoise.scans.errors import InputError

__all__ = ["SIGNATURES", "TiffLayout", "copy_tags", "tiff_compressor", "tiff_layout"]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_BYTES, PLANES = 273, 274, 277, 279, 284
TILE_OFFSETS, TILE_BYTES, SAMPLE_FORMAT = 324, 325, 339
STORAGE = {256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 339}  # how the encoder laid the pixels down
# Kind of page, document, description, maker, model, resolution, page name, position, resolution unit, page number,
# software, date, artist, computer, opacity, XMP, copyright, ICC profile: what means the same beside any such pixels.
KEPT = {254, 269, 270, 271, 272, 282, 283, 285, 286, 287, 296, 297, 305, 306, 315, 316, 338, 700, 33432, 34675}
ASCII, LONG, LONG8 = 2, 4, 16  # types of a tag
GRAY, RGB, PALETTE = 1, 2, 3  # photometric interpretations
SAMPLE_FORMATS = {1: "uint", 2: "int", 3: "float"}
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")
DECODED = (1, 5, 7, 8, 32773, 32946)  # none, LZW, JPEG, Deflate, PackBits, Deflate by its old number
COMPRESSORS = {1: "NoCompression", 5: "LZW", 32773: "PackBits"}  # every other one becomes Deflate, without loss
BIG_TIFF = 43  # the version in its header, which is 16 bytes long instead of 8


class TiffLayout(NamedTuple):
    """What the pages of a file are alike in."""

    width: int
    height: int
    samples: int
    dtype: str
    palette: bool


def tiff_layout(path: Path) -> TiffLayout:
    """Tell what a TIFF must be decoded to.

    Raises:
        InputError: if the file is truncated, if SimpleITK would decode a page wrongly, or if pages are not alike.
    """
    layouts = [_page_layout(page, path) for page in _pages(path)]
    if len(set(layouts)) != 1 or (layouts[0].palette and len(layouts) > 1):
        count = len(layouts)
        raise InputError(f"pages must be alike and not of palettes, got {count} in {path}. Save them one a file.")
    return layouts[0]


def tiff_compressor(path: Path) -> str:
    """Name, as ITK does, the compression of a TIFF's first page, or Deflate if ITK would lose by it or lacks it."""
    return COMPRESSORS.get(_pages(path)[0].get(COMPRESSION, 1), "Deflate")


def copy_tags(source: Path, result: Path) -> None:
    """Give the pages of a TIFF what those of its source say beside the pixels, in place of what its encoder says.

    Args:
        source: the file whose tags are copied.
        result: an encoded file of as many pages; it is written again.
    """
    blob = result.read_bytes()
    big = BIG_TIFF in blob[2:4]
    pointer = ("<" if blob.startswith(b"I") else ">") + ("Q" if big else "I")
    start = blob[: 16 if big else 8]
    written = bytearray(start)
    link = len(written) - struct.calcsize(pointer)  # where the position of the next page goes
    for told, stored in zip(_pages(source), _pages(result), strict=True):
        strips = zip(stored[STRIP_OFFSETS], stored[STRIP_BYTES], strict=True)
        pixels = b"".join(blob[first : first + length] for first, length in strips)
        directory = _directory(start, told, stored)
        directory.tagtype[STRIP_OFFSETS] = LONG8 if big else LONG
        position = len(written)
        written += directory.tobytes(position) + pixels + bytes(len(pixels) % 2)
        struct.pack_into(pointer, written, link, position)
        link = position + (8 + 20 * len(directory) if big else 2 + 12 * len(directory))
    result.write_bytes(written)


def _directory(start: bytes, told: ImageFileDirectory_v2, stored: ImageFileDirectory_v2) -> ImageFileDirectory_v2:
    directory = ImageFileDirectory_v2(start)
    for page, tags in ((stored, STORAGE), (told, KEPT)):
        for tag in tags.intersection(page):
            directory.tagtype[tag] = page.tagtype[tag]
            # Pillow reads texts as Latin-1, which keeps every byte, and writes ASCII, which does not.
            directory[tag] = page[tag].encode("latin-1") if page.tagtype[tag] == ASCII else page[tag]
    directory[STRIP_OFFSETS] = (
        0,
        *accumulate(stored[STRIP_BYTES][:-1]),
    )  # which Pillow counts from the directory's end
    return directory


def _page_layout(page: ImageFileDirectory_v2, path: Path) -> TiffLayout:
    samples, bits, photometric = page.get(SAMPLES, 1), set(page.get(BITS, (1,))), page.get(PHOTOMETRIC)
    orientation, compression = page.get(ORIENTATION, 1), page.get(COMPRESSION, 1)
    if compression not in DECODED:
        name = COMPRESSION_INFO.get(compression, compression)
        raise InputError(f"compression must be none, LZW, JPEG, Deflate or PackBits, got {name} in {path}. Convert it.")
    dtype = f"{SAMPLE_FORMATS.get(page.get(SAMPLE_FORMAT, (1,))[0], 'other')}{min(bits)}"
    strips, planes = TILE_OFFSETS not in page, samples > 1 and page.get(PLANES, 1) != 1
    plain = strips and orientation == 1 and photometric in (GRAY, RGB, PALETTE) and not planes
    if not plain or samples not in (1, 3, 4) or len(bits) > 1 or dtype not in DTYPES:
        layout = "planes" if planes else "strips" if strips else "tiles"
        what = f"{layout} of {samples} x {dtype}, photometric {photometric}, orientation {orientation}"
        rule = "pages must be plain strips of gray or RGB, 8 to 32 bits each"
        raise InputError(f"{rule}, got {what} in {path}. Save it as a plain TIFF.")
    return TiffLayout(page.get(WIDTH, 0), page.get(HEIGHT, 0), samples, dtype, photometric == PALETTE)


def _pages(path: Path) -> list[ImageFileDirectory_v2]:
    size = path.stat().st_size
    pages: list[ImageFileDirectory_v2] = []
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of a directory that is cut
            start = stream.read(8)
            start += stream.read(8) if BIG_TIFF in start[2:4] else b""
            offset = ImageFileDirectory_v2(start).next
            seen = {0}
            while offset not in seen:
                seen.add(offset)
                page = ImageFileDirectory_v2(start)
                stream.seek(offset)
                page.load(stream)
                offsets = page.get(STRIP_OFFSETS, ()) or page[TILE_OFFSETS]
                sizes = page.get(STRIP_BYTES, ()) or page[TILE_BYTES]
                if max(first + length for first, length in zip(offsets, sizes, strict=True)) > size:
                    raise EOFError("pixels beyond the end of the file")
                pages.append(page)
                offset = page.next
            if offset:
                raise EOFError("pages that run in a circle")
    except (OSError, EOFError, KeyError, TypeError, ValueError, SyntaxError, struct.error, UserWarning) as error:
        raise unreadable(path, error) from error
    return pages
