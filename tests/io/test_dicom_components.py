"""MR images of other components of the complex signal than its magnitude."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.tag import Tag
from pydicom.uid import EnhancedMRImageStorage, generate_uid

from monai_gan_denoise.io import find_scans
from monai_gan_denoise.io.dicom import read
from monai_gan_denoise.scans.errors import InputError

NO_MAGNITUDE = "MR images must be magnitudes, got {} in {}. {}."
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def mr(path: Path, height: float = 0.0, **elements: Any) -> Path:
    """The packaged MR slice at another place, with other elements."""
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.ImagePositionPatient = [0.0, 0.0, height]
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def enhanced(path: Path, *components: str, shared: bool = False) -> Path:
    """An Enhanced MR object of one frame a component, or of two frames that share one."""
    groups = []
    for component in components:
        frame_type, group = Dataset(), Dataset()
        frame_type.FrameType = ["ORIGINAL", "PRIMARY", "OTHER", "NONE"]
        frame_type.ComplexImageComponent = component
        group.MRImageFrameTypeSequence = [frame_type]
        groups.append(group)
    frames = 2 if shared else len(groups)
    pixels = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False))).PixelData
    kind = "SharedFunctionalGroupsSequence" if shared else "PerFrameFunctionalGroupsSequence"
    elements = {"SOPClassUID": EnhancedMRImageStorage, "NumberOfFrames": frames, "PixelData": pixels * frames}
    return mr(path, ImageType=["ORIGINAL", "PRIMARY", "OTHER", "MIXED"], **elements, **{kind: groups})


@pytest.mark.parametrize(
    ("magnitude", "other", "name"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "phase"),
        (
            {"ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]},
            {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]},
            "phase",
        ),
        ({}, {"ImageType": ["ORIGINAL", "PRIMARY", "R", "ND"]}, "real"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"]}, {"ComplexImageComponent": "IMAGINARY"}, "imaginary"),
        ({"ComplexImageComponent": "MAGNITUDE"}, {"ImageType": ["DERIVED", "PRIMARY", "PHASE"]}, "phase"),
    ],
)
def test_magnitudes_of_a_series_are_a_stack_of_their_own_and_the_rest_is_skipped(
    tmp_path: Path, magnitude: dict[str, Any], other: dict[str, Any], name: str
) -> None:
    (tmp_path / "in").mkdir()
    magnitudes = [mr(tmp_path / "in" / f"{index}.dcm", 5.0 * index, **magnitude) for index in range(3)]
    others = [mr(tmp_path / "in" / f"{index}_other.dcm", 5.0 * index, **other) for index in range(3)]
    scan, *skipped = sorted(find_scans(tmp_path / "in", tmp_path / "out"), key=lambda item: "left_out" in item)
    assert scan["image"] == [str(path) for path in magnitudes]
    assert "refusal" not in scan
    assert [item["left_out"] for item in skipped] == [True] * 3
    assert {item["refusal"] for item in skipped} == {NO_MAGNITUDE.format(name, path, "Leave it out") for path in others}


def test_magnitudes_beside_phases_are_not_called_doubled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    for index in range(3):
        for component in "MP":
            kind = ["ORIGINAL", "PRIMARY", component]
            mr(tmp_path / "in" / f"{component}{index}.dcm", 5.0 * index, ImageType=kind)
    with caplog.at_level(logging.WARNING):
        find_scans(tmp_path / "in", tmp_path / "out")
    assert caplog.messages == []


def test_a_phase_image_alone_is_refused(tmp_path: Path) -> None:
    path = mr(tmp_path / "a.dcm", ImageType=["ORIGINAL", "PRIMARY", "P"])
    (item,) = find_scans(path, tmp_path / "out")
    assert "left_out" not in item
    assert item["refusal"] == NO_MAGNITUDE.format("phase", path, "Leave it out")
    with pytest.raises(InputError, match=r"MR images must be magnitudes, got phase in .*a\.dcm\. Leave it out\."):
        read([path])


@pytest.mark.parametrize(
    "elements",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]},
        {"ImageType": ["ORIGINAL", "PRIMARY"]},
        {"ImageType": "ORIGINAL"},
        {"ImageType": ["P", "R", "M"]},
        {"ImageType": ["DERIVED", "SECONDARY", "M", "P"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "NORM", "P"]},
        {"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "P"]},
    ],
)
def test_only_what_makers_write_for_a_component_counts(tmp_path: Path, elements: dict[str, Any]) -> None:
    path = mr(tmp_path / "a.dcm", **elements)
    (item,) = find_scans(path, tmp_path / "out")
    assert "refusal" not in item
    assert read([path]).values.shape == (64, 64)


@pytest.mark.parametrize("shared", [False, True])
def test_enhanced_phases_are_skipped_beside_magnitudes(tmp_path: Path, shared: bool) -> None:
    (tmp_path / "in").mkdir()
    kept = enhanced(tmp_path / "in" / "m.dcm", "MAGNITUDE", shared=shared)
    enhanced(tmp_path / "in" / "p.dcm", "PHASE", shared=shared)
    scan, skipped = find_scans(tmp_path / "in", tmp_path / "out")
    assert (scan["image"], "refusal" in scan) == ([str(kept)], False)
    assert skipped["left_out"]


def test_an_object_of_magnitudes_and_phases_is_refused_and_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    mr(tmp_path / "in" / "a.dcm")
    path = enhanced(tmp_path / "in" / "b.dcm", "MAGNITUDE", "PHASE", "REAL")
    _, refused = find_scans(tmp_path / "in", tmp_path / "out")
    assert "left_out" not in refused
    assert refused["refusal"] == NO_MAGNITUDE.format("phase, real", path, "Split it, and pass the magnitudes")


def test_a_damaged_frame_type_says_nothing(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "a.dcm", "PHASE", shared=True)
    blob = path.read_bytes()
    start = blob.index(b"\x18\x00\x26\x92SQ")  # MRImageFrameTypeSequence
    path.write_bytes(blob[: start + 4] + b"OB" + blob[start + 6 :])
    assert pydicom.dcmread(path).SharedFunctionalGroupsSequence[0][Tag("MRImageFrameTypeSequence")].VR == "OB"
    (item,) = find_scans(path, tmp_path / "out")
    assert "refusal" not in item
    assert np.isfinite(read([path]).values).all()
