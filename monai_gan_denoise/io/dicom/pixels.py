"""Stored pixels: how the words of Pixel Data mean numbers, colors and padding, and how they are put back.

Reference: DICOM PS3.3 C.7.6.3 (Image Pixel), C.7.5.1.1.2 (padding), C.11.1 (Modality LUT); PS3.5 section 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import Dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import JPEGExtended12Bit, RLELossless

from monai_gan_denoise.io.dicom.declared_size import check_codestream, check_deflated, check_pixels
from monai_gan_denoise.io.dicom.geometry import macro
from monai_gan_denoise.io.dicom.header import TWELVE_BITS, check, check_class, frame_count, rescale, transfer_syntax
from monai_gan_denoise.io.dicom.stream import BoundedFile
from monai_gan_denoise.scans.errors import InputError

__all__ = [
    "Integers",
    "Padding",
    "PixelFormat",
    "Units",
    "load",
    "luminance",
    "padding",
    "palette_to_rgb",
    "pixel_format",
    "words",
]

Integers = npt.NDArray[np.integer[Any]]

LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as DICOM's YBR_FULL uses, PS3.3 C.7.6.3.1.2


@dataclass(frozen=True)
class PixelFormat:
    """Which bits of a word hold the number.

    Attributes:
        bits_allocated: 8, 16 or 32.
        bits_stored: how many of them hold the number.
        high_bit: the topmost of these.
        signed: two's complement.
        color: gray, rgb, ybr or palette.
    """

    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    color: str

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest number."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    def numbers(self, raw: Integers) -> Integers:
        """Take the numbers out of words, leaving out what unused bits hold (overlays of old scanners, garbage)."""
        size = self.bits_allocated // 8
        top = raw.view(f"u{size}") << (self.bits_allocated - 1 - self.high_bit)
        result: Integers = top.view(f"{'i' if self.signed else 'u'}{size}") >> (self.bits_allocated - self.bits_stored)
        return result

    def words(self, raw: Integers, numbers: Integers) -> Integers:
        """Put numbers back into the words they came from, whose unused bits stay as they are.

        Where the unused bits only repeat the sign, they follow the sign of the new number.
        """
        shift = self.high_bit + 1 - self.bits_stored
        size = self.bits_allocated // 8
        extended: Integers = numbers.astype(f"{'i' if self.signed else 'u'}{size}") << shift
        old = self.numbers(raw) << shift
        if np.array_equal(old.view(f"u{size}"), raw.view(f"u{size}")):
            return extended
        mask = raw.view(f"u{size}").dtype.type(((1 << self.bits_stored) - 1) << shift)
        result: Integers = (raw.view(f"u{size}") & ~mask) | (extended.view(f"u{size}") & mask)
        return result.view(raw.dtype)


@dataclass(frozen=True)
class Units:
    """The straight line from stored numbers to the values that the network sees: ``slope * stored + intercept``.

    A Modality LUT Sequence is left aside: a table has no exact inverse, so such an image is denoised in stored numbers.
    MONOCHROME1 shows high numbers dark; its line falls over the range that the stored bits can hold, so that
    bright is bright for the network.
    """

    slope: float
    intercept: float

    @classmethod
    def of(cls, dataset: Dataset, frame: int, pixels: PixelFormat, path: Path) -> Units:
        """Read the units of one frame.

        Raises:
            InputError: if RescaleSlope is 0, or if it or RescaleIntercept is not one finite number.
        """
        if pixels.color != "gray":
            return cls(1.0, 0.0)
        source = macro(dataset, frame, "PixelValueTransformationSequence") or dataset
        slope, intercept = rescale(source, path)
        if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
            return cls(-slope, slope * sum(pixels.limits) + intercept)
        return cls(slope, intercept)


@dataclass(frozen=True)
class Padding:
    """Stored numbers that mark pixels outside the image, ends included."""

    lowest: int
    highest: int

    def mask(self, numbers: Integers) -> npt.NDArray[np.bool_]:
        """Tell which numbers are padding."""
        result: npt.NDArray[np.bool_] = (numbers >= self.lowest) & (numbers <= self.highest)
        return result

    def mask_words(self, raw: Integers, numbers: Integers, limits: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Tell which words are padding, some of which is written beyond BitsStored, where no number can be.

        Cut to BitsStored, such padding would be the number of a tissue: 63536 in 12 bits is 2096.

        Args:
            raw: the words.
            numbers: what they mean, same shape.
            limits: lowest and highest number.
        """
        lowest, highest = limits
        beyond = (raw < lowest) | (raw > highest)
        return self.mask(numbers) | (beyond & self.mask(raw))


def load(path: Path) -> Dataset:
    """Read a whole file.

    Raises:
        InputError: if it cannot be read or holds nothing that can be denoised.
    """
    check_deflated(path)
    try:
        with BoundedFile(path) as stream:
            dataset = pydicom.dcmread(stream, force=True)
        check_class(dataset)
        missing = "PixelData" not in dataset
        if any(element.VR is None for element in dataset.values()):  # implicit VR, whatever the meta information says
            for _ in dataset.iterall():
                pass  # looks the value representations up, which writing needs
            correct_ambiguous_vr(dataset, is_little_endian=True)
    except Exception as error:  # a damaged file fails in as many ways as there are parsers of values
        raise InputError(f"file must be readable DICOM, got {error} in {path}. Fetch it again.") from error
    check(dataset, path)
    if missing:
        floating = "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset
        found, cure = ("Float Pixel Data", "Convert it to NIfTI") if floating else ("none", "Fetch the file again")
        raise InputError(f"integer pixel data must be present, got {found} in {path}. {cure}.")
    check_pixels(dataset, transfer_syntax(dataset), path.stat().st_size, path)
    return dataset


def words(dataset: Dataset, path: Path) -> Iterator[Integers]:
    """Decode frame by frame.

    Yields:
        ``(rows, columns)`` or ``(rows, columns, 3)`` words in this machine's byte order: those of the file if it holds
        words, with chroma repeated for YBR_FULL_422; else the decoder's numbers, colors as RGB.

    Raises:
        InputError: if the pixel data is cut short or cannot be decoded.
    """
    decoder, pixels, whole = get_decoder(transfer_syntax(dataset)), pixel_format(dataset), _holds_words(dataset)
    options: dict[str, Any] = {"allow_excess_frames": False}
    if whole:
        options |= {"raw": True, "correct_unused_bits": False}
    if JPEGExtended12Bit == decoder.UID and pixels.bits_stored > 8:
        options["decoding_plugin"] = TWELVE_BITS
    for index in range(frame_count(dataset)):
        try:
            check_codestream(dataset, transfer_syntax(dataset), index, path)
            frame, _ = decoder.as_array(dataset, index=index, **options)
        # Every decoder has its own errors, those in Rust panics, which are no Exception. Of several the last is shown.
        except BaseException as error:
            if isinstance(error, InputError | KeyboardInterrupt | SystemExit):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")
            raise InputError(f"pixel data must be decodable, got {reason} in {path}. Fetch the file again.") from error
        raw: Integers = np.ascontiguousarray(frame, frame.dtype.newbyteorder("="))
        if not whole and not np.array_equal(pixels.numbers(raw), raw):
            found = f"numbers up to {raw.max()} of BitsStored {pixels.bits_stored}"
            raise InputError(f"pixels must fit their bits, got {found} in {path}. Decompress the file first.")
        yield raw


def pixel_format(dataset: Dataset) -> PixelFormat:
    """Read the Image Pixel module.

    Decoders give numbers, not words, so for sources that hold none the number fills the lowest bits.
    """
    photometric = str(dataset.PhotometricInterpretation)
    allocated = int(dataset.BitsAllocated)
    stored = min(int(dataset.get("BitsStored") or allocated), allocated)
    high = dataset.get("HighBit")
    whole = _holds_words(dataset)
    if not whole or high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    color = {"MONOCHROME1": "gray", "MONOCHROME2": "gray", "PALETTE COLOR": "palette"}.get(photometric, "rgb")
    if photometric.startswith("YBR_FULL") and whole:
        color = "ybr"
    return PixelFormat(allocated, stored, int(high), dataset.get("PixelRepresentation") == 1, color)


def _holds_words(dataset: Dataset) -> bool:
    """Tell whether the words come out of the file as they went in: uncompressed ones, and those that RLE packs.

    RLE has no room for the missing chroma of YBR_FULL_422; whoever writes that means something else.
    """
    syntax = transfer_syntax(dataset)
    packed = syntax == RLELossless and dataset.PhotometricInterpretation != "YBR_FULL_422"
    return packed or not syntax.is_compressed


def padding(dataset: Dataset, pixels: PixelFormat) -> Padding | None:
    """Read PixelPaddingValue and PixelPaddingRangeLimit; None if the image has no padding."""
    ends = [dataset.get(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    found = [int(end) for end in ends if isinstance(end, int)]
    if pixels.color != "gray" or not isinstance(ends[0], int):
        return None
    # Some scanners write a negative number as the unsigned one of equal bits, or the other way round.
    full = 1 << pixels.bits_allocated
    half = full // 2 if pixels.signed else 0
    wrapped = [(number + half) % full - half for number in found]
    return Padding(min(wrapped), max(wrapped))


def luminance(colors: npt.NDArray[Any], color: str) -> npt.NDArray[np.float64]:
    """Give the gray numbers of gray, RGB or YBR pixels; those of a palette must be looked up before."""
    if color == "gray":
        return colors.astype(np.float64)
    if color == "ybr":
        return colors[..., 0].astype(np.float64)
    result: npt.NDArray[np.float64] = colors @ LUMINANCE
    return result


def palette_to_rgb(dataset: Dataset, indices: Integers) -> npt.NDArray[np.uint8]:
    """Look colors up, in 8 bits; tables of 16 bits are scaled down as displays do."""
    colors = apply_color_lut(indices, dataset)[..., :3]
    if colors.dtype == np.uint8:
        return colors
    # Some tables say 16 bits and hold 8: all of them, as a frame may show but the dark colors of a table.
    count, first, _ = dataset.RedPaletteColorLookupTableDescriptor
    table = apply_color_lut(np.arange(first, first + (count or 1 << 16)), dataset)[..., :3]
    return colors.astype(np.uint8) if table.max() <= np.iinfo(np.uint8).max else (colors >> 8).astype(np.uint8)
