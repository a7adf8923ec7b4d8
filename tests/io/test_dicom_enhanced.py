"""Enhanced objects: geometry and rescale of each frame, and what becomes of the functional groups."""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import UID, EnhancedCTImageStorage, EnhancedMRImageStorage

from monai_gan_denoise.io import find_scans
from monai_gan_denoise.io.dicom import find_series, read, write
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
FRAME_TYPES = {EnhancedCTImageStorage: "CTImageFrameTypeSequence", EnhancedMRImageStorage: "MRImageFrameTypeSequence"}
ORIENTATION = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]
NORMAL = np.cross(ORIENTATION[:3], ORIENTATION[3:])
SLOPES, INTERCEPTS = (1.0, 0.5, 2.0, 0.25), (-1024.0, 0.0, 10.0, -5.5)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def item(**elements: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def frame_group(index: int, height: float) -> Dataset:
    content = item(StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[1, index + 1])
    position = item(ImagePositionPatient=[float(round(number, 6)) for number in [10, -20, 30] + height * NORMAL])
    rescale = item(RescaleSlope=SLOPES[index], RescaleIntercept=INTERCEPTS[index], RescaleType="US")
    group = item(FrameContentSequence=[content], PlanePositionSequence=[position])
    group.PixelValueTransformationSequence = [rescale]
    group.FrameVOILUTSequence = [item(WindowCenter=40, WindowWidth=400)]
    block = group.private_block(0x0021, "MAKER 1.0", create=True)
    block.add_new(0x01, "LO", f"private {index}")
    return group


def enhanced(
    path: Path, pixels: np.ndarray, sop_class: UID = EnhancedCTImageStorage, heights: Iterable[float] = (0, 3, 6, 9)
) -> Path:
    """An Enhanced object with four oblique frames, each with its own place and rescale."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleType"):
        dataset.pop(keyword, None)
    for keyword in ("RescaleIntercept", "PixelPaddingValue", "DataSetTrailingPadding", "SliceThickness"):
        dataset.pop(keyword, None)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.Modality = "CT" if sop_class == EnhancedCTImageStorage else "MR"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = pixels.shape
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    frame_type = item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME")
    shared = item(PlaneOrientationSequence=[item(ImageOrientationPatient=ORIENTATION)])
    shared.PixelMeasuresSequence = [item(PixelSpacing=[0.5, 0.75], SliceThickness=3, SpacingBetweenSlices=3)]
    setattr(shared, FRAME_TYPES[sop_class], [frame_type])
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [frame_group(index, height) for index, height in enumerate(heights)]
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)
    return path


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 1000, (4, 20, 24), dtype=np.int16)


@pytest.mark.parametrize("sop_class", FRAME_TYPES)
def test_each_frame_has_its_own_rescale_and_place(tmp_path: Path, pixels: np.ndarray, sop_class: UID) -> None:
    scan = read([enhanced(tmp_path / "a.dcm", pixels, sop_class)])
    for index in range(4):
        expected = pixels[index] * SLOPES[index] + INTERCEPTS[index]
        np.testing.assert_allclose(scan.values[..., index], expected, rtol=1e-6)
        lps = np.array([10, -20, 30]) + 3 * index * NORMAL
        np.testing.assert_allclose((scan.affine @ [0, 0, index, 1])[:3], lps * [-1, -1, 1], atol=1e-4)
    assert scan.modality == ("ct" if sop_class == EnhancedCTImageStorage else "mr")


@pytest.mark.parametrize("sop_class", FRAME_TYPES)
def test_what_is_removed_is_taken_in_the_rescale_of_each_frame(
    tmp_path: Path, pixels: np.ndarray, sop_class: UID
) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels, sop_class)
    removed = np.random.default_rng(9).normal(0, 20, (20, 24, 4)).astype(np.float32)
    write([path], removed, [tmp_path / "out.dcm"], DERIVATION)
    before, after = read([path]).values, read([tmp_path / "out.dcm"]).values
    for index, slope in enumerate(SLOPES):
        difference = before[..., index] - after[..., index] - removed[..., index]
        assert np.abs(difference).max() <= slope / 2 + 1e-3


@pytest.mark.parametrize("sop_class", FRAME_TYPES)
def test_functional_groups_stay_but_for_what_says_that_the_object_is_derived(
    errors: Callable[[Path], Counter[str]], tmp_path: Path, pixels: np.ndarray, sop_class: UID
) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels, sop_class)
    write([path], np.ones((20, 24, 4), np.float32), [tmp_path / "out.dcm"], DERIVATION)
    source, output = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "out.dcm")
    assert output.NumberOfFrames == 4
    for index, group in enumerate(output.PerFrameFunctionalGroupsSequence):
        (derivation,) = group.DerivationImageSequence
        assert derivation.SourceImageSequence[0].ReferencedFrameNumber == index + 1
        remaining = copy.deepcopy(group)
        del remaining.DerivationImageSequence
        assert remaining == source.PerFrameFunctionalGroupsSequence[index]
    shared = output.SharedFunctionalGroupsSequence[0]
    assert list(shared[FRAME_TYPES[sop_class]][0].FrameType) == ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    shared[FRAME_TYPES[sop_class]][0].FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    assert shared == source.SharedFunctionalGroupsSequence[0]
    assert errors(tmp_path / "out.dcm") - errors(path) == Counter()


def test_simpleitk_finds_the_frames_at_the_same_place(tmp_path: Path, pixels: np.ndarray) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels)
    write([path], np.zeros((20, 24, 4), np.float32), [tmp_path / "out.dcm"], DERIVATION)
    before, after = (sitk.ReadImage(str(each)) for each in (path, tmp_path / "out.dcm"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(before), sitk.GetArrayFromImage(after))
    for what in ("GetOrigin", "GetSpacing", "GetDirection", "GetSize"):
        assert getattr(before, what)() == getattr(after, what)()
    assert before.GetSpacing() == pytest.approx((0.75, 0.5, 3.0))


@pytest.mark.parametrize("sop_class", FRAME_TYPES)
def test_stored_numbers_return_exactly(tmp_path: Path, pixels: np.ndarray, sop_class: UID) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels, sop_class)
    write([path], np.zeros((20, 24, 4), np.float32), [tmp_path / "out.dcm"], DERIVATION)
    assert pydicom.dcmread(tmp_path / "out.dcm").PixelData == pixels.tobytes()


@pytest.mark.parametrize(
    ("heights", "said"), [((0, 3, 6, 9), None), ((0, 3, 9, 12), "slices missing: 1, by the usual step of 3 mm")]
)
def test_missing_frames_are_said(
    tmp_path: Path, pixels: np.ndarray, caplog: pytest.LogCaptureFixture, heights: tuple[float, ...], said: str | None
) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels, heights=heights)
    ((series,), _) = find_series([path])
    assert series.unevenness == said
    with caplog.at_level(logging.WARNING):
        find_scans(path, tmp_path / "out")
    assert caplog.messages == ([f"{path}: {said}; all are kept as they are."] if said else [])


def test_a_claim_of_many_frames_is_refused_while_files_are_sorted(tmp_path: Path, pixels: np.ndarray) -> None:
    path = enhanced(tmp_path / "a.dcm", pixels)
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.NumberOfFrames = 2**31 - 1
    dataset.save_as(path)
    series, ((_, reason),) = find_series([path])
    assert not series
    assert reason.startswith("files must hold the 2061584301120 bytes their header claims")
