"""A DICOM file's header, and every reason to refuse the file that the header alone gives.

Nothing here decodes a pixel, so that a folder of thousands of files is sorted in seconds.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from monai_gan_denoise.io.dicom.components import MAGNITUDE, complex_components
from monai_gan_denoise.io.dicom.declared_size import check_deflated, check_pixels
from monai_gan_denoise.io.dicom.objects import class_name, is_other_object
from monai_gan_denoise.io.dicom.stream import BoundedFile
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import MINIMUM_SIZE

__all__ = [
    "MODALITIES",
    "TWELVE_BITS",
    "check",
    "check_class",
    "frame_count",
    "modality",
    "numbers",
    "read_header",
    "rescale",
    "transfer_syntax",
]

MODALITIES = {"CT": "ct", "MR": "mr", "US": "us", "OPT": "oct", "OCT": "oct"} | dict.fromkeys(
    ("CR", "DX", "MG", "XA", "RF", "PX", "IO"), "xr"
)
ALLOCATIONS = (8, 16, 32)  # bits; 1 is a segmentation, and 64 has no use in imaging
PHOTOMETRIC = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_RCT": 3,
    "YBR_ICT": 3,
}
PACKAGES = (
    dict.fromkeys(JPEGTransferSyntaxes, "python-gdcm")
    | dict.fromkeys((*JPEG2000TransferSyntaxes, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL), "pylibjpeg[openjpeg]")
    | dict.fromkeys(JPEGLSTransferSyntaxes, "pyjpegls")
)
HEADER_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "InstanceNumber", "NumberOfFrames"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SliceThickness"),
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("PhotometricInterpretation", "RescaleSlope", "RescaleIntercept", "ImageType", "ComplexImageComponent"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
WHOLE_NUMBERS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    "NumberOfFrames",
)
PIXEL_GROUP = 0x7FE0
PIXEL_DATA, FLOAT_DATA, DOUBLE_DATA = 0x0010, 0x0008, 0x0009  # elements of the pixel group
UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = b"\xfe\xff\x00\xe0"  # tag before each fragment of compressed pixels, PS3.5 section A.4

TWELVE_BITS = "gdcm-12-bit"  # plugin for JPEG Extended, of which pydicom's own decode 8 bits only
get_decoder(JPEGExtended12Bit).add_plugin(TWELVE_BITS, ("monai_gan_denoise.io.dicom.jpeg", "decode_frame"))


def read_header(path: Path) -> Dataset:
    """Read what is needed to sort the file, and refuse it if the header alone says that it cannot be denoised.

    Raises:
        InputError: if the file is unreadable, cut short, without integer pixels, too small or not decodable.
    """
    check_deflated(path)
    try:
        with BoundedFile(path) as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True, specific_tags=list(HEADER_TAGS))
            start = stream.read(12)
            size = path.stat().st_size
            rest = size - stream.tell()
            syntax = transfer_syntax(dataset)
            cut = syntax.is_encapsulated and _ends_early(stream, size)
            for keyword in HEADER_TAGS:
                dataset.get(keyword)  # values are parsed when asked for
            check_class(dataset)
    except Exception as error:  # a damaged header fails in as many ways as there are parsers of values
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(f"header must be readable DICOM, got {reason} in {path}. Fetch it again.") from error
    check(dataset, path)
    if cut:
        raise InputError(f"compressed pixels must have an end, got none in {path}. It is cut short; fetch it again.")
    if syntax != DeflatedExplicitVRLittleEndian:  # whose elements lie inside one compressed stream
        _check_pixel_element(start, rest, dataset, path)
    check_pixels(dataset, syntax, size, path)
    return dataset


def check(dataset: Dataset, path: Path) -> None:
    """Refuse a data set whose image cannot be denoised.

    Raises:
        InputError: naming the file, the reason and the cure.
    """
    name, other = class_name(dataset) or "an object of unknown class", is_other_object(dataset)
    for keyword in WHOLE_NUMBERS:
        value = dataset.get(keyword)
        if value not in (None, "") and not (isinstance(value, int) and value >= 0):
            raise InputError(f"{keyword} must be one whole number, got {value} in {path}. Fetch the file again.")
    if not dataset.get("Rows") or not dataset.get("Columns"):
        # pydicom hands out next to nothing where the end of the file cuts an element off.
        cure = "Leave it out" if other else "It may be cut short; fetch it again"
        raise InputError(f"object must hold an image, got {name} without pixel data in {path}. {cure}.")
    if other:
        raise InputError(f"object must be an image to denoise, got {name} in {path}. Leave it out.")
    if others := sorted(complex_components(dataset) - {MAGNITUDE}):
        mixed = MAGNITUDE in complex_components(dataset)
        cure = "Split it, and pass the magnitudes" if mixed else "Leave it out"
        raise InputError(f"MR images must be magnitudes, got {', '.join(others)} in {path}. {cure}.")
    if not dataset.get("SOPClassUID"):
        raise InputError(f"SOPClassUID must be present, got none in {path}. Fetch the file again.")
    if min(dataset.Rows, dataset.Columns) < MINIMUM_SIZE:
        size = f"{dataset.Rows} x {dataset.Columns}"
        raise InputError(f"image must be at least {MINIMUM_SIZE} pixels a side, got {size} in {path}. Leave it out.")
    if dataset.get("BitsAllocated") not in ALLOCATIONS:
        raise InputError(
            f"BitsAllocated must be one of {', '.join(map(str, ALLOCATIONS))}, got {dataset.get('BitsAllocated')} in "
            f"{path} ({name}). Leave it out."
        )
    photometric = dataset.get("PhotometricInterpretation")
    if PHOTOMETRIC.get(str(photometric)) != dataset.get("SamplesPerPixel", 1):
        samples = dataset.get("SamplesPerPixel")
        raise InputError(
            f"PhotometricInterpretation must be one of {', '.join(PHOTOMETRIC)}, got {photometric} with {samples} "
            f"samples in {path}. Convert the image to gray or RGB."
        )
    if str(photometric).startswith("MONOCHROME"):
        rescale(dataset, path)
    _check_decoder(transfer_syntax(dataset), path)


def check_class(dataset: Dataset) -> None:
    """Refuse a SOP class that is no UID, which would end in the middle of a sentence or of a file.

    Raises:
        ValueError: naming the class as it stands.
    """
    for uid in (dataset.get("SOPClassUID"), getattr(dataset, "file_meta", Dataset()).get("MediaStorageSOPClassUID")):
        if uid and not (isinstance(uid, str) and UID(uid).is_valid):
            raise ValueError(f"{str(uid)!r} for a SOP class")


def transfer_syntax(dataset: Dataset) -> UID:
    """Give the transfer syntax; of a file without meta information, the one that it was read by."""
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and "TransferSyntaxUID" in meta:
        return UID(meta.TransferSyntaxUID)
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def frame_count(dataset: Dataset) -> int:
    """Give NumberOfFrames, which single-frame objects leave out."""
    return int(dataset.get("NumberOfFrames") or 1)


def modality(keyword: str | None) -> str | None:
    """Map DICOM's Modality to ct, mr, xr, us or oct; None where it is another or absent."""
    return MODALITIES.get((keyword or "").strip().upper())


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Give the numbers of an element; None if it is absent, not of that count or holds what is no finite number."""
    values = [value] if isinstance(value, (str, float, int)) else list(value or ())
    try:
        result = tuple(float(number) for number in values)
    except (TypeError, ValueError):  # pydicom keeps what it cannot parse as text
        return None
    return result if len(result) == count and all(map(math.isfinite, result)) else None


def rescale(dataset: Dataset, path: Path) -> tuple[float, float]:
    """Give RescaleSlope and RescaleIntercept, 1 and 0 where they are absent.

    Raises:
        InputError: if the slope is 0, or if one of them is not one finite number.
    """
    slope, intercept = (
        _number(dataset, keyword, default, path)
        for keyword, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    if slope == 0:
        raise InputError(f"RescaleSlope must not be 0, got 0 in {path}. Fetch the file again.")
    return slope, intercept


def _number(dataset: Dataset, keyword: str, default: float, path: Path) -> float:
    value = dataset.get(keyword)
    if value in (None, ""):
        return default
    found = numbers(value, 1)
    if found is None:
        raise InputError(f"{keyword} must be one finite number, got {value} in {path}. Fetch the file again.")
    return found[0]


def _ends_early(stream: BinaryIO, size: int) -> bool:
    """Follow the items of compressed pixels; tell whether the file of ``size`` bytes ends before they do."""
    while stream.tell() + 8 <= size:
        head = stream.read(8)
        if head[:4] != ITEM:  # as a rule, the delimiter that ends the sequence
            return False
        stream.seek(int.from_bytes(head[4:], "little"), 1)
    return True


def _check_decoder(syntax: UID, path: Path) -> None:
    """Refuse pixels that no installed package decodes."""
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if syntax in PACKAGES:
        package = "pillow" if syntax == JPEGBaseline8Bit else PACKAGES[syntax]
        cure = f"Run: pip install {package}"
    else:
        cure = "Convert it to Explicit VR Little Endian first"
    if not available:
        name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
        raise InputError(f"transfer syntax must be one with a decoder installed, got {name} in {path}. {cure}.")


def _check_pixel_element(start: bytes, rest: int, dataset: Dataset, path: Path) -> None:
    """Check the start of the pixel data element, at which reading stopped: its kind, and that the file holds it whole.

    Args:
        start: the element's first 12 bytes, fewer at the end of the file.
        rest: bytes of the file that follow these.
        dataset: the header.
        path: the file.
    """
    syntax = transfer_syntax(dataset)
    order = "little" if syntax != ExplicitVRBigEndian else "big"
    group, element = (int.from_bytes(start[i : i + 2], order) for i in (0, 2))  # type: ignore[arg-type]
    if len(start) < 12 or group != PIXEL_GROUP:
        raise InputError(f"pixel data must be present, got none in {path}. The file is cut short; fetch it again.")
    if element in (FLOAT_DATA, DOUBLE_DATA):
        kind = "Float Pixel Data" if element == FLOAT_DATA else "Double Float Pixel Data"
        raise InputError(f"pixel data must be integer, got {kind} in {path}. Convert it to NIfTI.")
    if element != PIXEL_DATA:
        return  # an offset table comes first; decoding will tell
    implicit = start[4:6] not in (b"OB", b"OW", b"UN")
    length = int.from_bytes(start[4:8] if implicit else start[8:12], order)  # type: ignore[arg-type]
    there = rest + 4 if implicit else rest
    if length not in (UNDEFINED_LENGTH,) and there < length:
        raise InputError(f"pixel data must be {length} bytes long, got {there} in {path}. Fetch the file again.")
