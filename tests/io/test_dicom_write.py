from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedXAImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedCTImageStorage,
    OphthalmicTomographyImageStorage,
    RLELossless,
    generate_uid,
)

from monai_gan_denoise.io.derivation import derive
from monai_gan_denoise.io.dicom import read, write, write_residual
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
PACKAGED = [
    *("693_J2KI", "CT_small", "ExplVR_BigEnd", "GDCMJ2K_TextGBR", "J2K_pixelrep_mismatch", "JPEG2000"),
    *("JPEG-lossy", "JPGExtended"),
    *("MR_small", "MR_small_RLE", "MR_small_bigendian", "MR_small_expb", "MR_small_implicit", "MR_small_padded"),
    *("MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "SC_jpeg_no_color_transform", "SC_rgb_dcmtk_+eb+cr"),
    *("SC_rgb_dcmtk_+eb+cy+np", "SC_rgb_gdcm_KY", "SC_rgb_jls_lossy_line", "SC_rgb_jpeg", "SC_rgb_jpeg_dcmd"),
    *("SC_rgb_jpeg_gdcm", "SC_rgb_rle", "SC_rgb_rle_16bit_2frame", "SC_rgb_rle_2frame", "SC_rgb_rle_32bit"),
    *("SC_ybr_full_422_uncompressed", "examples_jpeg2k", "examples_overlay", "examples_palette"),
    *("examples_rgb_color", "examples_ybr_color", "image_dfl"),
]
# They are packaged because they break the standard in one way or another, which pydicom remarks.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(f"{name}.dcm", download=False)))


def ct(path: Path, pixels: np.ndarray, **elements: Any) -> Path:
    """A valid CT slice: pydicom's, with other pixels and elements."""
    dataset = pydicom.dcmread(packaged("CT_small"))
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
    del dataset.PixelPaddingValue
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    correct_ambiguous_vr(dataset, is_little_endian=True)
    dataset.save_as(path)
    return path


def derived(files: list[Path], folder: Path, amount: float | np.ndarray = 0.0, **settings: Any) -> list[Dataset]:
    outputs = [folder / "out" / path.name for path in files]
    removed = np.zeros(read(files).values.shape, np.float32) + np.float32(amount)
    write(files, removed, outputs, Derivation("denoised", DERIVATION.description, **{"fingerprint": "f", **settings}))
    return [pydicom.dcmread(path) for path in outputs]


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (20, 24), dtype=np.int16)


@pytest.mark.parametrize("name", PACKAGED)
def test_stored_values_return_exactly_and_dciodvfy_finds_no_new_error(
    errors: Callable[[Path], Counter[str]], name: str, tmp_path: Path
) -> None:
    source = packaged(name)
    (output,) = derived([source], tmp_path)
    original = pydicom.dcmread(source, force=True)
    np.testing.assert_array_equal(output.pixel_array, original.pixel_array)
    assert output.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    if original.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:  # which dciodvfy cannot read
        original.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        source = tmp_path / "inflated.dcm"
        original.save_as(source)
    assert errors(tmp_path / "out" / f"{name}.dcm") - errors(source) == Counter()


@pytest.mark.parametrize("name", ["CT_small", "MR_small", "examples_palette", "examples_ybr_color", "examples_overlay"])
def test_dciodvfy_finds_no_new_error_where_pixels_changed(
    errors: Callable[[Path], Counter[str]], name: str, tmp_path: Path
) -> None:
    derived([packaged(name)], tmp_path, 3.0)
    assert errors(tmp_path / "out" / f"{name}.dcm") - errors(packaged(name)) == Counter()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("dtype", "bits"), [("u1", 8), *((dtype, bits) for dtype in ("i2", "u2") for bits in (10, 12, 16))]
)
@pytest.mark.parametrize("slope", [1.0, 0.25])
def test_any_bit_depth_returns_exactly(tmp_path: Path, photometric: str, dtype: str, bits: int, slope: float) -> None:
    lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if dtype == "i2" else (0, (1 << bits) - 1)
    pixels = np.random.default_rng(1).integers(lowest, highest, (16, 18), endpoint=True).astype(dtype)
    elements = {"BitsStored": bits, "HighBit": bits - 1, "RescaleSlope": slope, "RescaleIntercept": -1024}
    path = ct(tmp_path / "a.dcm", pixels, PhotometricInterpretation=photometric, **elements)
    (output,) = derived([path], tmp_path)
    assert output.PixelData == pydicom.dcmread(path).PixelData


def test_simpleitk_reads_the_difference_back_in_hounsfield_units(tmp_path: Path, noise: np.ndarray) -> None:
    files = [
        ct(tmp_path / f"{index}.dcm", noise + index, ImagePositionPatient=[0, 0, 2.0 * index], RescaleSlope=0.5)
        for index in range(3)
    ]
    removed = np.random.default_rng(2).normal(0, 20, (*noise.shape, 3))
    derived(files, tmp_path, removed)
    before, after = (
        sitk.ReadImage([str(folder / path.name) for path in files]) for folder in (tmp_path, tmp_path / "out")
    )
    difference = sitk.GetArrayFromImage(before) - sitk.GetArrayFromImage(after)
    assert np.abs(difference.transpose(1, 2, 0) - removed).max() <= 0.25 + 1e-4  # half a stored step
    assert (before.GetOrigin(), before.GetSpacing()) == (after.GetOrigin(), after.GetSpacing())
    assert before.GetDirection() == after.GetDirection()


def test_monochrome1_gets_darker_by_storing_higher_numbers(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "a.dcm", noise, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2)
    (output,) = derived([path], tmp_path, 10.0)
    np.testing.assert_array_equal(output.pixel_array, noise + 5)


def test_numbers_are_limited_to_the_stored_bits(tmp_path: Path, noise: np.ndarray) -> None:
    stored = noise.astype(np.uint16)
    path = ct(tmp_path / "a.dcm", stored, BitsStored=10, HighBit=9, RescaleIntercept=0)
    (low,) = derived([path], tmp_path / "low", 500.0)
    (high,) = derived([path], tmp_path / "high", -500.0)
    np.testing.assert_array_equal(low.pixel_array, np.maximum(noise - 500, 0))
    np.testing.assert_array_equal(high.pixel_array, np.minimum(noise + 500, 1023))


def test_padding_is_bit_exact_and_no_pixel_turns_into_padding(tmp_path: Path, noise: np.ndarray) -> None:
    noise[:4], noise[4:] = -2000, noise[4:] - 2000 + 1
    path = ct(tmp_path / "a.dcm", noise, PixelPaddingValue=-2000, RescaleIntercept=0)
    removed = np.where(np.arange(20)[:, None] < 10, noise + 2000.0, 7.0)  # would send rows 4 to 9 to the padding value
    (output,) = derived([path], tmp_path, removed)
    assert (output.pixel_array[:4] == -2000).all()
    assert (output.pixel_array[4:10] == -1999).all()
    assert (output.pixel_array[10:] != -2000).all()


def test_padding_beyond_the_stored_bits_is_bit_exact(tmp_path: Path, noise: np.ndarray) -> None:
    stored = noise.astype(np.uint16) + 2000  # where 2096, which is left of 63536 in 12 bits, is a tissue
    stored[:4] = 63536
    path = ct(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, RescaleIntercept=0, PixelPaddingValue=63536)
    (output,) = derived([path], tmp_path, 9.0)
    words = np.frombuffer(output.PixelData, np.uint16).reshape(stored.shape)
    np.testing.assert_array_equal(words, np.where(stored == 63536, 63536, stored - 9))


def test_overlay_bits_stay_where_they_are(tmp_path: Path, noise: np.ndarray) -> None:
    stored = noise.astype(np.uint16) + 100
    overlay = np.zeros_like(stored)
    overlay[2:5, 2:5] = 0x8000
    path = ct(tmp_path / "a.dcm", stored | overlay, BitsStored=12, HighBit=11, RescaleIntercept=0)
    (output,) = derived([path], tmp_path, 9.0)
    words = np.frombuffer(output.PixelData, np.uint16).reshape(stored.shape)
    np.testing.assert_array_equal(words, (stored - 9) | overlay)


@pytest.mark.parametrize("name", ["examples_rgb_color", "examples_palette", "examples_jpeg2k"])
def test_color_keeps_its_chroma(name: str, tmp_path: Path) -> None:
    (before,), (after,) = derived([packaged(name)], tmp_path / "a"), derived([packaged(name)], tmp_path / "b", 5.0)
    original = before.pixel_array
    if before.PhotometricInterpretation == "PALETTE COLOR":
        original = (pydicom.pixels.apply_color_lut(original, before) >> 8).astype(np.uint8)
    assert after.PhotometricInterpretation == "RGB"
    amount = np.zeros(original.shape, int)
    for region in before.get("SequenceOfUltrasoundRegions") or [before]:
        top, left = region.get("RegionLocationMinY0", 0), region.get("RegionLocationMinX0", 0)
        bottom, right = (region.get(f"RegionLocationMax{end}1", 10**6) for end in "YX")
        amount[top : bottom + 1, left : right + 1] = 5
    np.testing.assert_array_equal(after.pixel_array, np.maximum(original - amount, 0))


def test_uncompressed_ybr_loses_luma_only(tmp_path: Path) -> None:
    source = packaged("SC_ybr_full_422_uncompressed")
    (output,) = derived([source], tmp_path, 5.0)
    before, after = (
        np.frombuffer(dataset.PixelData, np.uint8).reshape(-1, 4).astype(int)
        for dataset in (pydicom.dcmread(source), output)
    )
    np.testing.assert_array_equal(after[:, :2], np.maximum(before[:, :2] - 5, 0))
    np.testing.assert_array_equal(after[:, 2:], before[:, 2:])


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("amount", [0.0, 5.0])
def test_colors_stay_pixel_by_pixel_or_plane_by_plane(tmp_path: Path, amount: float, planar: int) -> None:
    pixels = np.random.default_rng(7).integers(0, 255, (3, 16, 18) if planar else (16, 18, 3), np.uint8, endpoint=True)
    elements = {"SamplesPerPixel": 3, "PlanarConfiguration": planar, "PhotometricInterpretation": "RGB"}
    path = ct(tmp_path / "a.dcm", np.zeros((16, 18), np.uint8), PixelData=pixels.tobytes(), **elements)
    (output,) = derived([path], tmp_path, amount)
    assert output.PlanarConfiguration == planar
    found = np.frombuffer(output.PixelData, np.uint8).reshape(pixels.shape)
    np.testing.assert_array_equal(found, np.maximum(pixels.astype(int) - amount, 0))


@pytest.mark.parametrize("amount", [0.0, 5.0])
def test_ybr_in_run_lengths_keeps_its_stored_values(tmp_path: Path, amount: float) -> None:
    pixels = np.random.default_rng(6).integers(0, 255, (16, 18, 3), np.uint8, endpoint=True)
    path = ct(tmp_path / "a.dcm", pixels[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PixelData=pixels.tobytes())
    dataset = pydicom.dcmread(path)
    dataset.PhotometricInterpretation = "YBR_FULL"
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    np.testing.assert_array_equal(read([path]).values, pixels[..., 0])
    (output,) = derived([path], tmp_path, amount)
    assert output.PhotometricInterpretation == "YBR_FULL"
    found = np.frombuffer(output.PixelData, np.uint8).reshape(pixels.shape)
    np.testing.assert_array_equal(found[..., 0], np.maximum(pixels[..., 0].astype(int) - amount, 0))
    np.testing.assert_array_equal(found[..., 1:], pixels[..., 1:])


def test_header_is_that_of_a_derived_object(tmp_path: Path) -> None:
    source = pydicom.dcmread(packaged("CT_small"))
    (output,) = derived([packaged("CT_small")], tmp_path, 1.0)
    assert list(output.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert output.DerivationDescription == DERIVATION.description
    assert output.DerivationCodeSequence[0].CodeValue == "113087"
    image = output.SourceImageSequence[0]
    assert image.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert image.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert output.SeriesDescription.endswith("(denoised)")
    assert output.file_meta.MediaStorageSOPInstanceUID == output.SOPInstanceUID
    assert {source.SOPInstanceUID, source.SeriesInstanceUID}.isdisjoint(
        {output.SOPInstanceUID, output.SeriesInstanceUID}
    )
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "ImagePositionPatient"):
        assert output[keyword].value == source[keyword].value
    private = [element for element in source if element.tag.is_private]
    assert private
    assert all(output[element.tag].value == element.value for element in private)


@pytest.mark.parametrize(
    ("sop_class", "characteristics"),
    [
        (EnhancedCTImageStorage, "CTImageFrameTypeSequence"),
        (LegacyConvertedEnhancedCTImageStorage, "CTImageFrameTypeSequence"),
        (EnhancedMRImageStorage, "MRImageFrameTypeSequence"),
        (EnhancedXAImageStorage, "XAXRFFrameCharacteristicsSequence"),
        (OphthalmicTomographyImageStorage, "OphthalmicFrameLocationSequence"),
    ],
)
def test_frames_of_enhanced_objects_name_their_source_frames(
    errors: Callable[[Path], Counter[str]], tmp_path: Path, noise: np.ndarray, sop_class: UID, characteristics: str
) -> None:
    frame_type, frame, shared = Dataset(), Dataset(), Dataset()
    frame_type.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    setattr(shared, characteristics, [frame_type])
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": [frame, Dataset()]}
    groups |= {"ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "SOPClassUID": sop_class}
    path = ct(tmp_path / "a.dcm", np.stack([noise] * 2), NumberOfFrames=2, **groups)
    (output,) = derived([path], tmp_path, 1.0)
    expected = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    assert list(output.ImageType) == expected
    assert list(output.SharedFunctionalGroupsSequence[0][characteristics][0].FrameType) == expected
    sources = [
        group.DerivationImageSequence[0].SourceImageSequence[0] for group in output.PerFrameFunctionalGroupsSequence
    ]
    assert [image.ReferencedFrameNumber for image in sources] == [1, 2]
    source = pydicom.dcmread(path)
    assert {image.ReferencedSOPInstanceUID for image in sources} == {source.SOPInstanceUID}
    series = output.SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert output.SourceImageEvidenceSequence[0].StudyInstanceUID == source.StudyInstanceUID
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert "SourceImageSequence" not in output
    assert errors(tmp_path / "out" / "a.dcm") - errors(path) == Counter()


def test_uids_repeat_for_equal_settings_and_differ_for_others(tmp_path: Path, noise: np.ndarray) -> None:
    files = [ct(tmp_path / f"{index}.dcm", noise, InstanceNumber=index) for index in range(2)]
    first, again, other = (
        derived(files, tmp_path / str(run), fingerprint=fingerprint) for run, fingerprint in enumerate("aab")
    )
    assert len({dataset.SeriesInstanceUID for dataset in first}) == 1
    assert len({dataset.SOPInstanceUID for dataset in first}) == 2
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        assert [dataset[keyword].value for dataset in first] == [dataset[keyword].value for dataset in again]
        assert {dataset[keyword].value for dataset in first}.isdisjoint({dataset[keyword].value for dataset in other})


def test_new_uids_are_fresh_but_one_run_shares_the_series(tmp_path: Path, noise: np.ndarray) -> None:
    files = [ct(tmp_path / f"{index}.dcm", noise) for index in range(2)]
    runs = []
    for run in range(2):
        derivation = derive("weights", perception=1, strength=1, new_uids=True)
        outputs = [tmp_path / str(run) / path.name for path in files]
        for path, output in zip(files, outputs, strict=True):
            write([path], np.zeros(noise.shape), [output], derivation)
        runs.append({pydicom.dcmread(path).SeriesInstanceUID for path in outputs})
    assert [len(run) for run in runs] == [1, 1]
    assert runs[0].isdisjoint(runs[1])


def test_extremes_of_image_and_series_are_corrected(tmp_path: Path, noise: np.ndarray) -> None:
    names = "SmallestImagePixelValue LargestImagePixelValue SmallestPixelValueInSeries LargestPixelValueInSeries"
    files = [ct(tmp_path / f"{i}.dcm", noise + i, **dict.fromkeys(names.split(), 7)) for i in range(2)]
    for index, dataset in enumerate(derived(files, tmp_path, 3.0)):
        image = [noise.min() + index - 3, noise.max() + index - 3]
        assert [dataset[name].value for name in names.split()] == [*image, noise.min() - 3, noise.max() - 2]


def test_extremes_stay_where_nothing_is_removed(tmp_path: Path, noise: np.ndarray) -> None:
    names = "SmallestImagePixelValue LargestImagePixelValue SmallestPixelValueInSeries LargestPixelValueInSeries"
    (output,) = derived([ct(tmp_path / "a.dcm", noise, **dict.fromkeys(names.split(), 7))], tmp_path)
    assert [output[name].value for name in names.split()] == [7] * 4


@pytest.mark.parametrize(
    "settings",
    [
        {"dtype": "i2", "RescaleSlope": 2, "RescaleIntercept": -24, "PixelPaddingValue": 5},
        {"dtype": "u2", "BitsStored": 10, "HighBit": 9, "PhotometricInterpretation": "MONOCHROME1"},
        {"dtype": "u1"},
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_residual_is_input_minus_output_in_place(tmp_path: Path, settings: dict[str, Any], count: int) -> None:
    settings = dict(settings)
    dtype = settings.pop("dtype")
    draw = np.random.default_rng(5)
    step = np.array([0.3, 0.1, 2.0])  # a gantry tilt
    files = []
    for index in range(count):
        pixels = draw.integers(0, 250, (18, 20)).astype(dtype)
        pixels[:3] = 5
        place = {"ImagePositionPatient": [float(number) for number in index * step], "PixelSpacing": [0.5, 0.75]}
        files.append(ct(tmp_path / f"{index}.dcm", pixels, SpacingBetweenSlices=2, **place, **settings))
    removed = draw.normal(0, 60, read(files).values.shape)
    outputs = [tmp_path / "out" / path.name for path in files]
    write(files, removed, outputs, DERIVATION)
    write_residual(files, removed, tmp_path / "residual.nii.gz")
    image = nibabel.load(tmp_path / "residual.nii.gz")
    before, after = (
        np.stack([pydicom.pixels.apply_modality_lut(each.pixel_array, each) for each in map(pydicom.dcmread, paths)], 2)
        for paths in (files, outputs)
    )
    sign = -1 if "PhotometricInterpretation" in settings else 1
    residual = np.asarray(image.dataobj).reshape(before.shape)
    np.testing.assert_allclose(residual, sign * (before - after), atol=1e-4)
    assert np.abs(residual).max() > 50
    assert (residual[:3] == 0).all() == ("PixelPaddingValue" in settings)
    expected = (
        [[0, -0.75, -step[0]], [-0.5, 0, -step[1]], [0, 0, 2]]
        if count > 1
        else [[0, -0.75, 0], [-0.5, 0, 0], [0, 0, 2]]
    )
    np.testing.assert_allclose(image.affine[:3, :3], expected, atol=1e-6)
    assert image.header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize("name", ["examples_rgb_color", "examples_palette", "SC_ybr_full_422_uncompressed"])
def test_residual_of_color_is_what_its_luminance_lost(name: str, tmp_path: Path) -> None:
    write_residual([packaged(name)], np.full(read([packaged(name)]).values.shape, 5.0), tmp_path / "r.nii.gz")
    write([packaged(name)], np.full(read([packaged(name)]).values.shape, 5.0), [tmp_path / "out.dcm"], DERIVATION)
    lost = read([packaged(name)]).values - read([tmp_path / "out.dcm"]).values
    np.testing.assert_allclose(np.asarray(nibabel.load(tmp_path / "r.nii.gz").dataobj), lost, atol=1e-4)
    assert lost.max() == pytest.approx(5, abs=1e-4)


def test_slices_without_uid_and_of_equal_pixels_get_uids_of_their_own(tmp_path: Path, noise: np.ndarray) -> None:
    files = [ct(tmp_path / f"{index}.dcm", noise, ImagePositionPatient=[0, 0, index]) for index in range(3)]
    for path in files:
        dataset = pydicom.dcmread(path)
        del dataset.SOPInstanceUID
        dataset.save_as(path)
    first, again = (derived(files, tmp_path / name) for name in ("a", "b"))
    assert len({dataset.SOPInstanceUID for dataset in first}) == 3
    assert [dataset.SOPInstanceUID for dataset in first] == [dataset.SOPInstanceUID for dataset in again]


def test_stale_elements_are_dropped_and_lossy_history_is_kept(tmp_path: Path, noise: np.ndarray) -> None:
    elements = {"IconImageSequence": [Dataset()], "LossyImageCompression": "01", "LossyImageCompressionRatio": 9}
    (output,) = derived([ct(tmp_path / "a.dcm", noise, **elements)], tmp_path)
    assert "IconImageSequence" not in output
    assert (output.LossyImageCompression, output.LossyImageCompressionRatio) == ("01", 9)
    (unmarked,) = derived([packaged("SC_rgb_jls_lossy_line")], tmp_path)
    assert (unmarked.LossyImageCompression, unmarked.LossyImageCompressionMethod) == ("01", "ISO_14495_1")


def test_dates_are_those_of_the_derivation_in_the_zone_of_the_file(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "a.dcm", noise, ContentDate="20000101", TimezoneOffsetFromUTC="+0900")
    (output,) = derived([path], tmp_path)
    assert output.ContentDate == output.InstanceCreationDate != "20000101"
    assert output.AcquisitionDate == pydicom.dcmread(path).AcquisitionDate


def test_an_offset_that_is_none_does_not_stop_the_file(tmp_path: Path, noise: np.ndarray) -> None:
    path = ct(tmp_path / "a.dcm", noise, ContentDate="20000101", TimezoneOffsetFromUTC="junk")
    (output,) = derived([path], tmp_path)
    assert output.ContentDate == output.InstanceCreationDate != "20000101"


def test_a_failure_in_one_slice_leaves_no_output_at_all(tmp_path: Path, noise: np.ndarray) -> None:
    files = [ct(tmp_path / f"{index}.dcm", noise) for index in range(2)]
    outputs = [tmp_path / "out" / path.name for path in files]
    files[1].write_bytes(files[1].read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"pixel data must be decodable.*1\.dcm"):
        write(files, np.zeros((*noise.shape, 2)), outputs, DERIVATION)
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.parametrize(
    ("shape", "count", "reason"),
    [
        ((20, 24), 2, "outputs must be one per file, got 2 for 1"),
        ((20, 20), 1, "removed must have a 20 x 24 slice for each frame"),
        ((20, 24, 2), 1, "removed must have 1 slices, got 2"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    tmp_path: Path, noise: np.ndarray, shape: tuple[int, ...], count: int, reason: str
) -> None:
    path = ct(tmp_path / "a.dcm", noise)
    with pytest.raises(ValueError, match=reason):
        write([path], np.zeros(shape), [tmp_path / f"{index}.out" for index in range(count)], DERIVATION)
    if count == 1:
        with pytest.raises(ValueError, match=reason):
            write_residual([path], np.zeros(shape), tmp_path / "residual.nii.gz")
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_overlay_plane_stays_bit_exact(tmp_path: Path) -> None:
    source = pydicom.dcmread(packaged("examples_overlay"))
    (output,) = derived([packaged("examples_overlay")], tmp_path, 3.0)
    overlay = [element for element in source if element.tag.group & 0xFF00 == 0x6000]
    assert len(overlay[-1].value) >= 300 * 484 // 8
    assert all(output[element.tag].value == element.value for element in overlay)
