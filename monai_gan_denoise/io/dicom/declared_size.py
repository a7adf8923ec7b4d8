"""What a DICOM file claims to hold, compared with its length before anything of that size is allocated.

Reference: DICOM PS3.5 section 8.1 (pixels not compressed), A.4 (compressed); ISO/IEC 15444-1 section A.5.1 (SIZ marker
of JPEG 2000); ISO/IEC 10918-1 section B.2.2 and 14495-1 section C.2.2 (frame headers of JPEG and JPEG-LS).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEGTransferSyntaxes, RLELossless

from monai_gan_denoise.io.limits import MAX_DEFLATE_RATIO, check_claim, check_memory, check_slice
from monai_gan_denoise.scans.errors import InputError

__all__ = ["check_codestream", "check_pixels"]

META_GROUP, META_LENGTH = 2, 1024  # bytes within which the meta information names the transfer syntax
PREAMBLE_LENGTH = 132  # bytes, with the four letters that follow
CHUNK = 1 << 24  # bytes unpacked at once
ITEM_HEAD = 8  # bytes before each frame of compressed pixels at least
RLE_RATIO = 64  # 128 equal bytes are packed into 2
CODEC_RATIO = 1 << 17  # of an image that is one gray; 5000 x 4000 pixels make 300 bytes of JPEG 2000
JPEG_BITS = 16
J2K_START = b"\xff\x4f\xff\x51"  # start of codestream, then the size of the image
JP2_START = b"\0\0\0\x0cjP  "  # of a file, which DICOM does not allow for and some writers embed
JPEG_START = b"\xff\xd8"
NO_FRAMES = {0xC4, 0xC8, 0xCC}  # tables and extensions among the codes of JPEG's frame headers, 0xC0 to 0xCF
JPEG_LS_FRAME = 0xF7


def check_pixels(dataset: Dataset, syntax: UID, length: int, path: Path) -> None:
    """Refuse a header that claims more pixels than its file can hold.

    Args:
        dataset: the header, checked to be of an image.
        syntax: the transfer syntax.
        length: bytes of the pixels as they are stored; of a deflated file those of the file.
        path: the file.

    Raises:
        InputError: naming the file and the reason.
    """
    check_slice((dataset.Rows, dataset.Columns), path)
    if syntax in JPEGTransferSyntaxes and dataset.BitsAllocated > JPEG_BITS:  # of which GDCM ends the whole process
        raise InputError(
            f"BitsAllocated of JPEG must be at most {JPEG_BITS}, got {dataset.BitsAllocated} in {path}. Fetch it again."
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    samples = dataset.Rows * dataset.Columns * dataset.get("SamplesPerPixel", 1) * frames
    claimed = samples * dataset.BitsAllocated // 8
    if syntax.is_encapsulated:
        check_claim(frames * ITEM_HEAD, length, path)
        check_claim(claimed, length * (RLE_RATIO if syntax == RLELossless else CODEC_RATIO), path)
    elif syntax == DeflatedExplicitVRLittleEndian:
        check_claim(claimed, length * MAX_DEFLATE_RATIO, path)
    else:
        halved = dataset.get("PhotometricInterpretation") == "YBR_FULL_422"  # two of three samples are stored
        check_claim(claimed * 2 // 3 if halved else claimed, length, path)
    check_memory(claimed, path)


def check_deflated(path: Path) -> None:
    """Refuse a deflated data set that unpacks to more than fits into memory; pydicom unpacks all of it at once.

    Args:
        path: a DICOM file of any transfer syntax.

    Raises:
        InputError: naming the file and both sizes.
    """
    with path.open("rb") as stream:
        head = stream.read(META_LENGTH)
        if DeflatedExplicitVRLittleEndian.encode() not in head:
            return
        stream.seek(PREAMBLE_LENGTH if head[:PREAMBLE_LENGTH].endswith(b"DICM") else 0)
        try:
            read_dataset(stream, False, True, stop_when=lambda tag, *_: tag >> 16 != META_GROUP)
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            unpacked, packed = 0, stream.read(CHUNK)
            while packed and not unpacker.eof:
                unpacked += len(unpacker.decompress(packed, CHUNK))
                check_memory(unpacked, path)
                packed = unpacker.unconsumed_tail or stream.read(CHUNK)
        except InputError:
            raise
        except Exception:  # of a damaged file, whose reader will say what is wrong with it
            return


def check_codestream(dataset: Dataset, syntax: UID, index: int, path: Path) -> None:
    """Refuse a compressed frame that says of itself, other than the header, how many pixels and samples it has.

    A larger one would take memory that the header does not announce; of a smaller one GDCM ends the whole process.

    Args:
        dataset: of compressed or other pixels.
        syntax: its transfer syntax.
        index: of the frame.
        path: the file.

    Raises:
        InputError: naming the file and both sizes.
    """
    if not syntax.is_encapsulated or syntax == RLELossless:
        return
    offsets = [dataset.get(keyword) for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    frames = int(dataset.get("NumberOfFrames") or 1)
    extended = (offsets[0], offsets[1]) if all(offsets) else None
    frame = get_frame(dataset.PixelData, index, number_of_frames=frames, extended_offsets=extended)
    header = (dataset.Rows, dataset.Columns, dataset.get("SamplesPerPixel", 1))
    own = _codestream_shape(frame) or header
    if own != header:
        shapes = [" x ".join(map(str, shape)) for shape in (header, own)]
        raise InputError(
            f"compressed pixels must be {shapes[0]} as the header says, got {shapes[1]} in {path}. Fetch it again."
        )


def _codestream_shape(frame: bytes) -> tuple[int, int, int] | None:
    """Read rows, columns and samples of a frame of JPEG, JPEG-LS or JPEG 2000; None where it does not say."""
    try:
        if frame.startswith((J2K_START, JP2_START)):
            position = frame.index(J2K_START) + len(J2K_START) + 4
            right, bottom, left, top, samples = struct.unpack_from(">4I16xH", frame, position)
            return bottom - top, right - left, samples
        return _jpeg_shape(frame) if frame.startswith(JPEG_START) else None
    except (struct.error, IndexError, ValueError):  # it ends early, which its decoder will say
        return None


def _jpeg_shape(frame: bytes) -> tuple[int, int, int] | None:
    position = len(JPEG_START)
    while frame[position] == 0xFF:
        code = frame[position + 1]
        if code == 0xFF:  # a byte that fills up
            position += 1
        elif code == JPEG_LS_FRAME or (0xC0 <= code <= 0xCF and code not in NO_FRAMES):
            rows, columns, samples = struct.unpack_from(">HHB", frame, position + 5)
            return rows, columns, samples
        else:
            position += 2 + int(struct.unpack_from(">H", frame, position + 2)[0])
    return None
