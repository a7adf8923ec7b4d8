"""Every transfer syntax that an installed decoder reaches, against encoders and decoders other than the reader's."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import (
    HTJ2K,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from monai_gan_denoise.io.dicom import find_series, read, write
from monai_gan_denoise.io.dicom.jpeg import decode_frame
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
# 24 x 32 numbers 60 row + 20 column + (row * column) % 3 of 16 bits, encoded by OpenJPH 0.26, reversible.
HIGH_THROUGHPUT = (
    "|4;u>04YEK0000W0000O00000000000000W0000O0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmwh=~7W"
    "02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00001qyPc`lfVEbtNH~8bO68r6F>kH0NVZn2Xp`i_yY%Y0KfnfKmZd!01<#}YypCF0K?$`A~XO1;{d<_"
    "6)*q=Yybf$Xl=9s2*MJE03f1>B#QU}2nPDh=K%eMv%~<v02Z780d2ql7Jw3fSy-_Ez^noGP>UttBcC`M01yBGFl6YEA%jB(hCz%0@{C|psY5RPO_<*R"
    "wLw|_0Ml<f_T`7TZU1ZlzyL2zfB;^t006xZB9XvU#u#G(5K=npEL22cj4?o}F~(Q`gp|%Y3l;r;(f@t;{{H>vWAMKoOS6)xjnr(|zvzG8em}pzdD#3f"
    "$CB)TUN2O<y19OS0#;Ur6eU)!oLbhhkfH<+*aO@i*a2<_c7WRhJHYM04siQGLIAqL5FLsTfvwm=0H*z0`_tR+({FX2vf0-ud(-#6p8M1FZ|_fUzfHbZ"
    "dF<WKu~Y+7OfgfX^K_n2nrYUQDKk|%Pv=QeNo7uc^=bE4r++;j3_37)Wz(}??Th}4$9L5?dg-svM}rQG9vOUX>a(`3oP7fS*#"
)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def ct(pixels: np.ndarray, **elements: Any) -> pydicom.Dataset:
    """The packaged CT slice with other pixels, not compressed."""
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword in ("PixelPaddingValue", "DataSetTrailingPadding"):
        del dataset[keyword]
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def encapsulated(path: Path, dataset: pydicom.Dataset, stream: bytes, syntax: UID) -> Path:
    """Save a data set whose frame is a code stream made elsewhere."""
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    return path


def stored(path: Path, folder: Path) -> np.ndarray:
    """The stored pixels of what is written if nothing is removed; the file must be one that a folder's search finds."""
    assert find_series([path])[1] == []
    write([path], np.zeros(read([path]).values.shape, np.float32), [folder / "out.dcm"], DERIVATION)
    output = pydicom.dcmread(folder / "out.dcm")
    assert output.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    return output.pixel_array


@pytest.fixture(params=[("i2", 16), ("u2", 16), ("u2", 12), ("u2", 10), ("u1", 8)], ids=str)
def pixels(request: pytest.FixtureRequest) -> tuple[np.ndarray, int]:
    """Numbers that fill their bits, and these."""
    kind, bits = request.param
    low = -(1 << (bits - 1)) if kind == "i2" else 0
    return np.random.default_rng(3).integers(low, low + (1 << bits), (48, 40)).astype(kind), bits


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_what_pydicom_compresses_returns_exactly(tmp_path: Path, pixels: tuple[np.ndarray, int], syntax: UID) -> None:
    numbers, bits = pixels
    dataset = ct(numbers, BitsStored=bits, HighBit=bits - 1)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(stored(tmp_path / "a.dcm", tmp_path), numbers)


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1])
def test_jpeg_lossless_as_gdcm_compresses_it_returns_exactly(
    tmp_path: Path, pixels: tuple[np.ndarray, int], syntax: UID
) -> None:
    numbers, bits = pixels
    ct(numbers, BitsStored=bits, HighBit=bits - 1).save_as(tmp_path / "plain.dcm")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(tmp_path / "plain.dcm"))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(tmp_path / "a.dcm"))
    assert writer.Write()
    assert pydicom.dcmread(tmp_path / "a.dcm").file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(stored(tmp_path / "a.dcm", tmp_path), numbers)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_what_is_not_compressed_returns_exactly(tmp_path: Path, pixels: tuple[np.ndarray, int], syntax: UID) -> None:
    numbers, bits = pixels
    source = ct(numbers, BitsStored=bits, HighBit=bits - 1)
    source.remove_private_tags()  # some of unknown representation, whose bytes cannot be swapped
    dataset = pydicom.Dataset({element.tag: element for element in source})  # without the memory of its encoding
    dataset.file_meta = source.file_meta
    dataset.file_meta.TransferSyntaxUID = syntax
    big = syntax == ExplicitVRBigEndian
    if big:
        dataset.PixelData = numbers.astype(numbers.dtype.newbyteorder(">")).tobytes()
    dataset.save_as(tmp_path / "a.dcm", implicit_vr=syntax.is_implicit_VR, little_endian=not big)
    np.testing.assert_array_equal(stored(tmp_path / "a.dcm", tmp_path), numbers)


def test_jpeg_baseline_returns_as_pillow_decodes_it(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:48, :40]
    image = Image.fromarray((4 * rows + columns).astype(np.uint8))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    path = encapsulated(tmp_path / "a.dcm", ct(np.asarray(image)), stream.getvalue(), JPEGBaseline8Bit)
    np.testing.assert_array_equal(stored(path, tmp_path), np.asarray(Image.open(stream)))
    assert pydicom.dcmread(tmp_path / "out.dcm").LossyImageCompression == "01"


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_jpeg_extended_of_12_bits_returns_as_simpleitk_decodes_it(tmp_path: Path, name: str) -> None:
    found = stored(packaged(name), tmp_path)
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(sitk.ReadImage(str(packaged(name))))[0])
    assert (found[420, 140], found[230, 120]) == (244, 95)  # as DCMTK has them
    assert pydicom.dcmread(tmp_path / "out.dcm").LossyImageCompression == "01"


def test_jpeg_extended_that_is_damaged_or_in_color_is_refused(tmp_path: Path) -> None:
    source = pydicom.dcmread(packaged("JPGExtended.dcm"))
    with pytest.raises(InputError, match=r"pixel data must be decodable, got gdcm-12-bit: .*a\.dcm"):
        read([encapsulated(tmp_path / "a.dcm", source, bytes(64), JPEGExtended12Bit)])
    runner = DecodeRunner(JPEGExtended12Bit)
    runner.set_option("samples_per_pixel", 3)
    with pytest.raises(ValueError, match="must be gray, got colors"):
        decode_frame(b"", runner)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000_returns_what_was_encoded(tmp_path: Path, syntax: UID) -> None:
    rows, columns = np.mgrid[:24, :32]
    numbers = (60 * rows + 20 * columns + (rows * columns) % 3).astype(np.uint16)
    path = encapsulated(tmp_path / "a.dcm", ct(numbers), base64.b85decode(HIGH_THROUGHPUT), syntax)
    np.testing.assert_array_equal(stored(path, tmp_path), numbers)


def test_near_lossless_jpeg_ls_returns_within_its_error(tmp_path: Path) -> None:
    numbers = np.random.default_rng(4).integers(0, 4096, (48, 40)).astype(np.uint16)
    dataset = ct(numbers, BitsStored=12, HighBit=11)
    dataset.compress(JPEGLSNearLossless, jls_error=2, generate_instance_uid=False)
    dataset.save_as(tmp_path / "a.dcm")
    assert np.abs(stored(tmp_path / "a.dcm", tmp_path).astype(int) - numbers).max() == 2
    assert pydicom.dcmread(tmp_path / "out.dcm").LossyImageCompressionMethod == "ISO_14495_1"
