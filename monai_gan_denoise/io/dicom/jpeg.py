"""JPEG Extended with 12 bits, as lossy angiograms and radiographs may be: GDCM decodes it, and pydicom does not ask.

The module is a plugin of pydicom's decoder, which is why it has ``is_available`` and ``DECODER_DEPENDENCIES``.

Reference: ISO/IEC 10918-1, process 4; DICOM PS3.5 section 8.2.1.
"""

from __future__ import annotations

import gdcm
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import UID, JPEGExtended12Bit

__all__ = ["DECODER_DEPENDENCIES", "decode_frame", "is_available"]

DECODER_DEPENDENCIES = {JPEGExtended12Bit: ("python-gdcm>=3.0.24",)}
PIXEL_DATA = (0x7FE0, 0x0010)


def is_available(uid: UID) -> bool:
    """Tell whether the plugin decodes a transfer syntax."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """Decode one gray frame.

    Args:
        src: the code stream.
        runner: says what the header says of it.

    Returns:
        16-bit words, little endian.

    Raises:
        ValueError: if the frame is of several colors, or GDCM gives another number of bytes than the header promises.
    """
    if runner.samples_per_pixel != 1:
        raise ValueError("JPEG Extended of 12 bits must be gray, got colors")
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((runner.columns, runner.rows, 1))
    image.SetDataElement(_element(src))
    monochrome = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(monochrome))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))))
    bits = runner.bits_stored
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, runner.pixel_representation))
    frame: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM gives bytes as text
    expected = 2 * runner.rows * runner.columns
    if len(frame) != expected:
        raise ValueError(f"JPEG Extended frame must decode to {expected} bytes, got {len(frame)}")
    return frame


def _element(src: bytes) -> gdcm.DataElement:
    """Wrap a code stream as GDCM wants it."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(src)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(*PIXEL_DATA))
    element.SetValue(fragments.__ref__())
    return element
