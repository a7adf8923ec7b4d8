"""Media and mixed folders: DICOMDIR, and what belongs to a study without being an image."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import UID, EnhancedUSVolumeStorage, ParametricMapStorage, generate_uid

from monai_gan_denoise.io import find_scans
from monai_gan_denoise.io.dicom import holds_no_image, is_directory, listed_files
from monai_gan_denoise.scans.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
CSA_NON_IMAGE = "1.3.12.2.1107.5.9.1"  # of Siemens, without rows


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


MEDIUM = packaged("dicomdirtests/DICOMDIR").parent


def as_class(path: Path, uid: str, rows: bool = True) -> Path:
    """The packaged CT slice, as an object of another class."""
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(uid)
    if not rows:
        for keyword in ("Rows", "Columns", "PixelData"):
            del dataset[keyword]
    dataset.save_as(path)
    return path


def medium(folder: Path, *names: tuple[str, ...], **elements: Any) -> Path:
    """A DICOMDIR that lists files, which are copied slices of one series."""
    dataset = pydicom.dcmread(packaged("dicomdirtests/DICOMDIR-empty.dcm"))
    records = []
    for index, parts in enumerate(names):
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", list(parts)
        for keyword, value in elements.items():
            setattr(record, keyword, value)
        records.append(record)
        path = folder.joinpath(*parts)
        if ".." not in parts:
            path.parent.mkdir(parents=True, exist_ok=True)
            slice_ = pydicom.dcmread(packaged("CT_small.dcm"))
            slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            slice_.ImagePositionPatient = [0, 0, 5 * index]
            slice_.save_as(path)
    dataset.DirectoryRecordSequence = records
    folder.mkdir(parents=True, exist_ok=True)
    dataset.save_as(folder / "DICOMDIR")
    return folder / "DICOMDIR"


def kinds(items: list[dict[str, Any]]) -> dict[str, int]:
    """How many items are found, skipped and refused."""
    counts = dict.fromkeys(("found", "skipped", "refused"), 0)
    for item in items:
        counts["skipped" if "left_out" in item else "refused" if "refusal" in item else "found"] += 1
    return counts


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset"])
def test_a_dicomdir_lists_its_files_in_any_encoding(name: str) -> None:
    found, refused = listed_files(MEDIUM / name)
    below = {path for patient in ("77654033", "98892001", "98892003") for path in (MEDIUM / patient).rglob("*")}
    assert set(found) == {path for path in below if path.is_file()}
    assert refused == []


def test_a_dicomdir_stands_for_the_images_that_it_lists(tmp_path: Path) -> None:
    from_list = find_scans(MEDIUM / "DICOMDIR", tmp_path / "out")
    assert kinds(from_list)["refused"] == 0
    files = [path for item in from_list for path in item["image"]]
    assert sorted(files) == sorted(map(str, listed_files(MEDIUM / "DICOMDIR")[0]))
    outputs = {path for item in from_list for path in item["outputs"]}
    assert str(tmp_path / "out" / "77654033" / "CR1" / "6154") in outputs


def test_a_folder_with_a_dicomdir_is_searched_as_any_other_and_its_viewer_is_skipped(tmp_path: Path) -> None:
    medium(tmp_path / "cd", ("PT1", "IM1"), ("PT1", "IM2"))
    (tmp_path / "cd" / "AUTORUN.INF").write_text("[autorun]")
    (tmp_path / "cd" / "viewer").mkdir()
    (tmp_path / "cd" / "viewer" / "view.exe").write_bytes(b"MZ")
    shutil.copy(packaged("MR_small.dcm"), tmp_path / "cd" / "UNLISTED")
    assert kinds(find_scans(tmp_path / "cd", tmp_path / "out")) == {"found": 2, "skipped": 2, "refused": 0}
    (tmp_path / "cd" / "DICOMDIR").unlink()
    assert kinds(find_scans(tmp_path / "cd", tmp_path / "out")) == {"found": 2, "skipped": 0, "refused": 2}


@pytest.mark.parametrize("source", ["DICOMDIR", "."])
def test_a_listed_file_that_is_missing_is_named(tmp_path: Path, source: str) -> None:
    medium(tmp_path / "cd", ("PT1", "IM1"), ("PT1", "IM2"))
    (tmp_path / "cd" / "PT1" / "IM2").unlink()
    items = find_scans(tmp_path / "cd" / source, tmp_path / "out")
    assert kinds(items) == {"found": 1, "skipped": 0, "refused": 1}
    missing = tmp_path / "cd" / "PT1" / "IM2"
    assert items[-1]["refusal"] == f"files of a DICOMDIR must be there, got none at {missing}. Copy the whole medium."


def test_listed_names_are_found_in_another_case(tmp_path: Path) -> None:
    directory = medium(tmp_path / "cd", ("PT1", "IM1"))
    os.rename(tmp_path / "cd" / "PT1", tmp_path / "cd" / "pt1")
    os.rename(tmp_path / "cd" / "pt1" / "IM1", tmp_path / "cd" / "pt1" / "im1")
    assert listed_files(directory) == ([tmp_path / "cd" / "pt1" / "im1"], [])


@pytest.mark.parametrize("parts", [("..", "secret"), ("A", "..", "..", "secret"), ("/etc/passwd",), ("..\\x",)])
def test_a_name_that_leads_out_of_the_medium_is_refused(tmp_path: Path, parts: tuple[str, ...]) -> None:
    directory = medium(tmp_path / "cd", ("IM1",))
    dataset = pydicom.dcmread(directory)
    dataset.DirectoryRecordSequence[0].ReferencedFileID = list(parts)
    dataset.save_as(directory)
    shutil.copy(packaged("CT_small.dcm"), tmp_path / "secret")
    found, ((path, reason),) = listed_files(directory)
    assert (found, path) == ([], directory)
    assert reason.startswith("ReferencedFileID must name a file below the DICOMDIR, got ")


def test_records_out_of_use_do_not_count(tmp_path: Path) -> None:
    assert listed_files(medium(tmp_path / "cd", ("IM1",), RecordInUseFlag=0)) == ([], [])


def test_a_dicomdir_that_lists_nothing_is_refused(tmp_path: Path) -> None:
    (item,) = find_scans(MEDIUM / "DICOMDIR-empty.dcm", tmp_path / "out")
    assert "INPUT must hold an image, got none in " in item["refusal"]


def test_a_damaged_dicomdir_is_refused_alone_and_skipped_beside_images(tmp_path: Path) -> None:
    directory = medium(tmp_path / "cd", ("IM1",))
    dataset = pydicom.dcmread(directory)
    dataset.add_new(dataset["DirectoryRecordSequence"].tag, "LO", "no sequence")
    dataset.save_as(directory)
    with pytest.raises(InputError, match=r"DICOMDIR must be readable, got \w+ in .*DICOMDIR\. Fetch it again"):
        listed_files(directory)
    (item,) = find_scans(directory, tmp_path / "out")
    assert "DICOMDIR must be readable" in item["refusal"]
    assert kinds(find_scans(tmp_path / "cd", tmp_path / "out")) == {"found": 1, "skipped": 1, "refused": 0}


def test_output_within_the_medium_is_refused(tmp_path: Path) -> None:
    directory = medium(tmp_path / "cd", ("IM1",))
    (item,) = find_scans(directory, tmp_path / "cd" / "out")
    assert item["refusal"].startswith("OUTPUT must lie outside INPUT")


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dump", "crayons.icc"])
def test_what_is_no_dicomdir_is_not_taken_for_one(name: str) -> None:
    assert not is_directory(MEDIUM.parent / name)


@pytest.mark.parametrize(
    "name",
    [
        *("reportsi.dcm", "test-SR.dcm", "rtstruct.dcm", "rtplan.dcm", "rtdose.dcm", "liver_1frame.dcm"),
        *("waveform_ecg.dcm", "ExplVR_LitEndNoMeta.dcm"),
    ],
)
def test_objects_beside_a_series_are_skipped_and_alone_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(packaged("CT_small.dcm"), tmp_path / "in" / "a.dcm")
    shutil.copy(packaged(name), tmp_path / "in" / "b.dcm")
    assert kinds(find_scans(tmp_path / "in", tmp_path / "out")) == {"found": 1, "skipped": 1, "refused": 0}
    assert kinds(find_scans(tmp_path / "in" / "b.dcm", tmp_path / "out")) == {"found": 0, "skipped": 0, "refused": 1}


def test_only_objects_without_images_are_refused_as_nothing_to_do(tmp_path: Path) -> None:
    for name in ("reportsi.dcm", "rtplan.dcm"):
        shutil.copy(packaged(name), tmp_path / name)
    assert kinds(find_scans(tmp_path, tmp_path.parent / "out")) == {"found": 0, "skipped": 0, "refused": 2}


@pytest.mark.parametrize(
    ("uid", "rows", "other"),
    [
        (ParametricMapStorage, True, True),
        (EnhancedUSVolumeStorage, True, False),
        (CSA_NON_IMAGE, False, True),
        (CSA_NON_IMAGE, True, False),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", False, True),  # 12-lead ECG
        ("1.2.840.10008.5.1.4.1.1.2", False, False),  # CT, whose pixels are lost
    ],
)
def test_the_class_says_what_holds_a_picture(tmp_path: Path, uid: str, rows: bool, other: bool) -> None:
    assert holds_no_image(as_class(tmp_path / "a.dcm", uid, rows)) == other


def test_uneven_slices_are_said_in_one_line_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    medium(tmp_path / "cd", *((f"IM{index}",) for index in range(5)))
    (tmp_path / "cd" / "IM3").unlink()
    (tmp_path / "cd" / "DICOMDIR").unlink()
    with caplog.at_level(logging.WARNING):
        (item,) = find_scans(tmp_path / "cd", tmp_path / "out")
    assert [Path(path).name for path in item["image"]] == ["IM0", "IM1", "IM2", "IM4"]
    name = tmp_path / "cd" / "IM0"
    message = f"{name} and 3 more: slices missing: 1, by the usual step of 5 mm; all are kept as they are."
    assert caplog.messages == [message]
