from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixels.decoders.base import Decoder
from pydicom.tag import Tag
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless, generate_uid

from monai_gan_denoise.io.dicom import find_series, is_dicom, read


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


def damage(path: Path, keyword: str, value: bytes) -> Path:
    """Put bytes into an element that pydicom would not write there."""
    dataset = pydicom.dcmread(path)
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True)
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


def test_slices_are_sorted_by_position_not_by_name(oblique: list[Path]) -> None:
    (series,), refused = find_series(reversed(oblique))
    assert list(series.files) == oblique
    assert (series.modality, series.keyword, refused) == ("ct", "CT", [])


def test_a_localizer_is_split_off_its_series(oblique: list[Path], tmp_path: Path) -> None:
    localizer = ct(tmp_path / "localizer.dcm", np.zeros((64, 64), np.int16), ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    series, _ = find_series([*oblique, localizer])
    assert sorted(len(one.files) for one in series) == [1, 5]


def test_rounding_of_cosines_and_spacings_does_not_split_a_series(tmp_path: Path, noise: np.ndarray) -> None:
    cosines = [0.8005, 0.8004999, 0.8005001, 0.8005]  # on both sides of where three decimals would part them
    paths = [
        ct(
            tmp_path / f"{index}.dcm",
            noise,
            ImageOrientationPatient=[cosine, round(float(np.sqrt(1 - cosine**2)), 7), 0, 0, 0, -1],
            PixelSpacing=[0.4885 + 1e-7 * (-1) ** index] * 2,
        )
        for index, cosine in enumerate(cosines)
    ]
    (series,), _ = find_series(paths)
    assert len(series.files) == 4


def test_two_orientations_or_spacings_are_two_series(tmp_path: Path, noise: np.ndarray) -> None:
    ct(tmp_path / "a.dcm", noise)
    ct(tmp_path / "b.dcm", noise, ImageOrientationPatient=[1, 0, 0, 0, 0.9962, 0.0872])  # 5 degrees
    ct(tmp_path / "c.dcm", noise, PixelSpacing=[0.7, 0.7])
    assert len(find_series(tmp_path.iterdir())[0]) == 3


def test_single_frames_of_enhanced_objects_are_sorted_by_their_functional_groups(
    tmp_path: Path, noise: np.ndarray
) -> None:
    paths = []
    for index in range(3):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, -2.0 * index]
        group.PlanePositionSequence = [position]
        elements = {"PerFrameFunctionalGroupsSequence": [group], "NumberOfFrames": 1, "InstanceNumber": index}
        paths.append(ct(tmp_path / f"{index}.dcm", noise, ImagePositionPatient=None, **elements))
    (series,), _ = find_series(paths)
    assert list(series.files) == paths[::-1]


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("cut", [1, 9, 300])
def test_a_compressed_slice_that_is_cut_short_leaves_the_series_to_the_others(
    tmp_path: Path, noise: np.ndarray, syntax: UID, cut: int
) -> None:
    large = np.tile(noise, (3, 3))  # JPEG 2000 wants some room
    paths = [ct(tmp_path / f"{index}.dcm", large, DataSetTrailingPadding=None) for index in range(3)]
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
    paths[1].write_bytes(paths[1].read_bytes()[:-cut])
    (series,), ((refused, message),) = find_series(paths)
    assert series.files == (paths[0], paths[2])
    assert refused == paths[1]
    assert f"compressed pixels must have an end, got none in {paths[1]}" in message


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_a_slice_whose_rescale_is_no_number_leaves_the_series_to_the_others(
    tmp_path: Path, noise: np.ndarray, keyword: str
) -> None:
    paths = [ct(tmp_path / f"{index}.dcm", noise) for index in range(3)]
    ct(paths[1], noise, **{keyword: float("nan")})
    (series,), ((_, message),) = find_series(paths)
    assert series.files == (paths[0], paths[2])
    assert f"{keyword} must be one finite number, got nan in {paths[1]}" in message


def test_radiographs_of_one_series_stand_alone(tmp_path: Path, noise: np.ndarray) -> None:
    paths = [ct(tmp_path / f"{index}.dcm", noise, Modality="DX") for index in range(2)]
    series, _ = find_series(paths)
    assert [(one.files, one.modality) for one in series] == [((path,), "xr") for path in paths]


def test_finding_series_decodes_no_pixels(oblique: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Decoder, "as_array", refuse)
    assert len(find_series(oblique)[0]) == 1


def test_dicom_is_known_by_preamble_by_suffix_or_by_content(tmp_path: Path) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    named = {
        "image.png": content,  # a preamble counts, whatever the name
        "garbage.IMA": b"garbage",  # so that it is refused by name later
        "1.2.840": packaged("no_meta.dcm").read_bytes(),  # no preamble, no SOPClassUID
        "slice": packaged("ExplVR_LitEndNoMeta.dcm").read_bytes(),
        "notes": b"\x08\x00 is how it starts",
        "image.raw": packaged("ExplVR_LitEndNoMeta.dcm").read_bytes(),
    }
    for name, data in named.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.dcm").mkdir()
    found = {name for name in [*named, "folder.dcm"] if is_dicom(tmp_path / name)}
    assert found == {"image.png", "garbage.IMA", "slice"}


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # packaged to show what is wrong with them
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reportsi.dcm", "got Basic Text SR Storage without pixel data .* Leave it out"),
        ("rtstruct.dcm", "got RT Structure Set Storage without pixel data"),
        ("DICOMDIR", "got Media Storage Directory Storage without pixel data"),
        ("MR_truncated.dcm", "must be 8192 bytes long, got 8130"),
        ("liver_1frame.dcm", "object must be an image to denoise, got Segmentation Storage in "),
        ("rtdose.dcm", "object must be an image to denoise, got RT Dose Storage in "),
        ("SC_rgb_small_odd.dcm", "must be at least 16 pixels a side, got 3 x 3"),
    ],
)
def test_what_holds_no_usable_image_is_refused_by_name(name: str, reason: str) -> None:
    path = packaged(name)
    series, ((refused, message),) = find_series([path])
    assert series == []
    assert refused == path
    assert str(path) in message
    assert "\n" not in message
    assert re.search(reason, message)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("Rows", b"\x14\0\x14\0", r"Rows must be one whole number, got \[20, 20\]"),
        ("BitsStored", b"\x0c\0\x0c\0", r"BitsStored must be one whole number, got \[12, 12\]"),
        ("NumberOfFrames", b"x ", "NumberOfFrames must be one whole number, got x"),
        ("NumberOfFrames", b"-1", "NumberOfFrames must be one whole number, got -1"),
        ("NumberOfFrames", b"1\\2 ", r"NumberOfFrames must be one whole number, got \[1, 2\]"),
        ("SOPClassUID", b"", "SOPClassUID must be present, got none"),
    ],
)
def test_a_damaged_element_stops_only_its_file(
    tmp_path: Path, noise: np.ndarray, keyword: str, value: bytes, reason: str
) -> None:
    damaged = damage(ct(tmp_path / "damaged.dcm", noise), keyword, value)
    (series,), ((refused, message),) = find_series([damaged, ct(tmp_path / "whole.dcm", noise)])
    assert series.files == (tmp_path / "whole.dcm",)
    assert refused == damaged
    assert re.match(f"{reason}.* in {re.escape(str(damaged))}", message)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *[("InstanceNumber", value) for value in (b"x ", b"1\\2 ")],
        *[("SliceThickness", value) for value in (b"x ", b"1\\2 ", b"nan ", b"0 ")],
        *[("PixelSpacing", value) for value in (b"1,5\\1,5 ", b"0\\0 ", b"nan\\1 ", b"1 ")],
        *[("ImagePositionPatient", value) for value in (b"x ", b"0\\0 ", b"nan\\0\\0 ")],
        *[("ImageOrientationPatient", value) for value in (b"0\\0\\0\\0\\0\\0 ", b"nan\\0\\0\\0\\1\\0")],
    ],
)
def test_damaged_geometry_counts_as_absent(tmp_path: Path, noise: np.ndarray, keyword: str, value: bytes) -> None:
    path, twin = ct(tmp_path / "a.dcm", noise), ct(tmp_path / "b.dcm", noise, **{keyword: None})
    (series,), refused = find_series([damage(path, keyword, value)])
    assert (series.files, refused) == ((path,), [])
    np.testing.assert_array_equal(read([path]).affine, read([twin]).affine)


@pytest.mark.parametrize("value", [b"ct", b" CT "])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_modality_is_known_in_any_case(tmp_path: Path, noise: np.ndarray, value: bytes) -> None:
    ((series,), _) = find_series([damage(ct(tmp_path / "a.dcm", noise), "Modality", value)])
    assert series.modality == "ct"


@pytest.mark.parametrize("keep", [0, 100, 131, 200])
def test_a_file_cut_short_in_its_header_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(packaged("CT_small.dcm").read_bytes()[:keep])
    series, ((_, message),) = find_series([path])
    assert series == []
    assert re.search(rf"{re.escape(str(path))}\. .*cut short; fetch it again", message)


def test_missing_decoder_names_syntax_and_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "is_available", False)
    _, ((_, message),) = find_series([packaged("MR_small_jp2klossless.dcm")])
    assert str(JPEG2000Lossless) in message
    assert message.endswith("Run: pip install pylibjpeg[openjpeg].")
