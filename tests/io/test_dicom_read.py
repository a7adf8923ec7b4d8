from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.uid import generate_uid

from monai_gan_denoise.io.dicom import find_series, read
from monai_gan_denoise.scans.errors import InputError


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def ct(path: Path, pixels: np.ndarray, **elements: Any) -> Path:
    """A valid CT slice: pydicom's, with other pixels and elements; None deletes an element."""
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
    del dataset.PixelPaddingValue
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    correct_ambiguous_vr(dataset, is_little_endian=True)
    dataset.save_as(path)
    return path


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (20, 24), dtype=np.int16)


@pytest.fixture
def oblique(tmp_path: Path) -> list[Path]:
    """Five oblique slices whose names and instance numbers run against their positions, in slice order."""
    row, column = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
    normal = np.cross(row, column)
    paths = []
    for index in range(5):
        pixels = np.full((16, 20), 100 * index, dtype=np.int16)
        position = [float(number) for number in np.array([10.0, -20.0, 30.0]) + 2.5 * index * normal]
        path = tmp_path / f"{9 - index}.dcm"
        elements = {"ImageOrientationPatient": [*map(float, (*row, *column))], "InstanceNumber": 50 - index}
        paths.append(ct(path, pixels, ImagePositionPatient=position, PixelSpacing=[0.5, 0.75], **elements))
    return paths


@pytest.mark.parametrize(
    ("keyword", "modality"),
    [("MR", "mr"), ("US", "us"), ("CR", "xr"), ("MG", "xr"), ("OPT", "oct"), ("OCT", "oct"), ("NM", None)],
)
def test_modality_is_mapped_from_the_header(
    tmp_path: Path, noise: np.ndarray, keyword: str, modality: str | None
) -> None:
    path = ct(tmp_path / "a.dcm", noise, Modality=keyword)
    assert find_series([path])[0][0].modality == modality
    assert read([path]).modality == modality


def test_a_video_is_refused_with_its_syntax(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "video.dcm", noise)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"must be one with a decoder installed, got 1.2.840.10008.1.2.9 .* Convert"):
        read([path])


def test_float_pixels_are_refused(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "a.dcm", noise)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.FloatPixelData = noise.astype(np.float32).tobytes()
    dataset.save_as(path)
    assert "must be integer, got Float Pixel Data" in find_series([path])[1][0][1]
    with pytest.raises(InputError, match="integer pixel data must be present, got Float Pixel Data"):
        read([path])


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"RescaleSlope": 0}, "RescaleSlope must not be 0, got 0"),
        ({"RescaleSlope": float("nan")}, "RescaleSlope must be one finite number, got nan"),
        ({"RescaleIntercept": float("nan")}, "RescaleIntercept must be one finite number, got nan"),
        ({"RescaleIntercept": [1, 2]}, r"RescaleIntercept must be one finite number, got \[1.?0?, 2.?0?\]"),
        ({"PhotometricInterpretation": "CMYK"}, "PhotometricInterpretation must be one of"),
        ({"SOPClassUID": None}, "SOPClassUID must be present"),
        ({"BitsAllocated": 12}, "BitsAllocated must be one of 8, 16, 32, got 12"),
        ({"PixelData": b"\0\0"}, "pixel data must be decodable, got .*less than expected"),
        ({"PixelData": None}, "integer pixel data must be present, got none"),
    ],
)
def test_unusable_elements_are_refused_by_name(
    tmp_path: Path, noise: np.ndarray, elements: dict[str, Any], reason: str
) -> None:
    path = ct(tmp_path / "odd.dcm", noise, **elements)
    with pytest.raises(InputError, match=reason) as caught:
        read([path])
    assert str(path) in str(caught.value)


def test_a_damaged_code_stream_is_refused_in_one_sentence(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(packaged("MR_small_jpeg_ls_lossless.dcm"))
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: len(frame) // 4 * 2]])
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"must be decodable, got pyjpegls: Decoding error: [^:]*dcm") as caught:
        read([tmp_path / "a.dcm"])
    assert "\n" not in str(caught.value)


def test_slices_of_two_sizes_are_refused(tmp_path: Path, noise: np.ndarray) -> None:
    paths = [ct(tmp_path / "a.dcm", noise), ct(tmp_path / "b.dcm", noise[:16].copy())]
    with pytest.raises(InputError, match="slices must be of one size, got 16 x 24 after 20 x 24"):
        read(paths)


def test_series_agrees_with_simpleitk_in_values_and_geometry(oblique: list[Path]) -> None:
    scan = read(oblique)
    image = sitk.ReadImage([str(path) for path in oblique])
    assert scan.slice_axis == 2
    np.testing.assert_allclose(scan.values, sitk.GetArrayFromImage(image).transpose(1, 2, 0), rtol=1e-6)
    for index in [(0, 0, 0), (3, 7, 4), (15, 19, 2)]:
        lps = image.TransformIndexToPhysicalPoint((index[1], index[0], index[2]))
        np.testing.assert_allclose((scan.affine @ [*index, 1])[:3], np.multiply(lps, [-1, -1, 1]), atol=1e-4)


def test_rescale_of_each_slice_is_honored(tmp_path: Path, noise: np.ndarray) -> None:
    paths = [
        ct(
            tmp_path / f"{index}.dcm",
            noise,
            RescaleSlope=0.5 + index,
            RescaleIntercept=-10 * index,
            InstanceNumber=index,
        )
        for index in range(3)
    ]
    values = read(paths).values
    for index in range(3):
        np.testing.assert_allclose(values[..., index], noise * (0.5 + index) - 10 * index)


def test_monochrome1_is_inverted_over_the_range_of_its_bits(tmp_path: Path, noise: np.ndarray) -> None:
    stored = noise.astype(np.uint16)
    elements = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 2, "RescaleIntercept": 5}
    path = ct(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1", **elements)
    np.testing.assert_allclose(read([path]).values, (4095.0 - stored) * 2 + 5)


@pytest.mark.parametrize("written", [-2000, 63536])
def test_padding_of_unsigned_pixels_is_known_by_its_bits(tmp_path: Path, noise: np.ndarray, written: int) -> None:
    stored = noise.astype(np.uint16)
    stored[:4] = 63536
    path = ct(tmp_path / "a.dcm", stored, RescaleIntercept=0)
    dataset = pydicom.dcmread(path)
    dataset.add_new("PixelPaddingValue", "SS" if written < 0 else "US", written)
    dataset.save_as(path)
    assert (read([path]).values[:4] == noise[4:].min()).all()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("limit", [None, 4])
def test_padding_beyond_the_stored_bits_is_known_and_no_tissue_of_equal_bits_is(
    tmp_path: Path, noise: np.ndarray, signed: bool, limit: int | None
) -> None:
    padding = -32768 + 830 if signed else 63536
    stored = noise.astype(np.int16 if signed else np.uint16)
    stored[4] = 830 if signed else 63536 % 4096  # what is left of the padding in 12 bits
    expected = stored.astype(float)
    stored[:4], expected[:4] = padding, noise[5:].min()
    path = ct(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, RescaleIntercept=0)
    dataset = pydicom.dcmread(path)
    dataset.add_new("PixelPaddingValue", "SS" if signed else "US", padding)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS" if signed else "US", padding + limit)
    dataset.save_as(path)
    np.testing.assert_array_equal(read([path]).values, expected)


@pytest.mark.filterwarnings("ignore:End of file reached:UserWarning")
@pytest.mark.parametrize("cut", [20, 1000])
@pytest.mark.parametrize("name", ["SC_rgb_rle.dcm", "693_J2KI.dcm", "examples_ybr_color.dcm"])
def test_compressed_pixels_that_are_cut_short_are_called_so(tmp_path: Path, name: str, cut: int) -> None:
    path = tmp_path / name
    path.write_bytes(packaged(name).read_bytes()[:-cut])
    with pytest.raises(
        InputError, match=rf"Image Storage without .* {re.escape(str(path))}\. It may be cut short; fetch"
    ):
        read([path])


@pytest.mark.parametrize(("value", "limit"), [(-2000, None), (-2000, -1500), (63536, None)])
def test_padding_shows_as_the_lowest_valid_value(
    tmp_path: Path, noise: np.ndarray, value: int, limit: int | None
) -> None:
    noise[:4] = -2000
    path = ct(tmp_path / "a.dcm", noise, RescaleIntercept=-1024)
    dataset = pydicom.dcmread(path)
    dataset.add_new("PixelPaddingValue", "US" if value > 0 else "SS", value)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS", limit)
    dataset.save_as(path)
    values = read([path]).values
    np.testing.assert_array_equal(values[4:], noise[4:] - 1024.0)
    assert (values[:4] == noise[4:].min() - 1024.0).all()


def test_overlay_in_unused_bits_is_no_part_of_the_values(tmp_path: Path, noise: np.ndarray) -> None:
    stored = noise.astype(np.uint16)
    stored[2:5, 2:5] |= 0x8000
    path = ct(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, RescaleIntercept=0)
    np.testing.assert_array_equal(read([path]).values, noise)


def test_high_bit_places_the_number_within_the_word(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "a.dcm", noise << 4, BitsStored=12, HighBit=15, RescaleIntercept=0)
    np.testing.assert_array_equal(read([path]).values, noise)


def test_eight_bit_range_is_in_the_units_of_the_values(tmp_path: Path) -> None:
    path = ct(tmp_path / "a.dcm", np.zeros((16, 16), np.uint8), RescaleSlope=2, RescaleIntercept=-1)
    assert read([path]).bit_range == (-1.0, 509.0)
    assert read([packaged("CT_small.dcm")]).bit_range is None


def test_per_frame_rescale_and_planes_of_enhanced_objects_are_honored(tmp_path: Path, noise: np.ndarray) -> None:
    def item(**elements: Any) -> list[Dataset]:
        dataset = Dataset()
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        return [dataset]

    frames = [
        item(
            PixelValueTransformationSequence=item(RescaleSlope=1 + index, RescaleIntercept=index),
            PlanePositionSequence=item(ImagePositionPatient=[0, 0, 3.0 * index]),
        )[0]
        for index in range(3)
    ]
    shared = item(
        PixelMeasuresSequence=item(PixelSpacing=[0.5, 0.25]),
        PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    elements = {"SharedFunctionalGroupsSequence": shared, "PerFrameFunctionalGroupsSequence": frames}
    path = ct(tmp_path / "a.dcm", np.stack([noise] * 3), NumberOfFrames=3, **elements)
    scan = read([path])
    for index in range(3):
        np.testing.assert_allclose(scan.values[..., index], noise * (1.0 + index) + index)
    expected = [[0, -0.25, 0, 0], [-0.5, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(scan.affine, expected, atol=1e-9)
    with pytest.raises(InputError, match="file must have one frame, got 3"):
        read([path, path])


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm"])
def test_color_shows_its_luminance_as_pillow_computes_it(name: str) -> None:
    from PIL import Image
    from pydicom.pixels.processing import apply_color_lut

    dataset = pydicom.dcmread(packaged(name))
    rgb = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        rgb = (apply_color_lut(rgb, dataset) >> 8).astype(np.uint8)
    scan = read([packaged(name)])
    assert np.abs(scan.values - np.asarray(Image.fromarray(rgb).convert("L"))).max() <= 1
    assert scan.bit_range == (0, 255)


def test_compressed_series_reads_as_its_uncompressed_twin() -> None:
    plain = read([packaged("MR_small.dcm")]).values
    for name in ("RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "implicit"):
        np.testing.assert_array_equal(read([packaged(f"MR_small_{name}.dcm")]).values, plain)
