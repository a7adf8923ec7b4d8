"""Claims about folders of images without a manifest."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
import SimpleITK as sitk

from monai_gan_denoise.io.folder import read_folder
from monai_gan_denoise.scans.errors import InputError


def write_png(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((16, 16), np.uint8)), str(path))


def write_dicom(path: Path, patient: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
    dataset.PatientID = patient
    dataset.save_as(path)


def read(folder: Path, modality: str = "auto") -> dict[str, tuple[str, str]]:
    rows = read_folder(folder, modality, leave_out=("test", "real_test"))
    return {row["name"]: (row["modality"], row["patient"]) for row in rows}


def test_modality_is_told_by_header_then_subfolder_then_option(tmp_path: Path) -> None:
    write_dicom(tmp_path / "ct" / "header.dcm", "P1")
    for name in ("xray/a.png", "MRI/deep/b.png", "c.png"):
        write_png(tmp_path / name)
    modalities = {name: modality for name, (modality, _) in read(tmp_path, "oct").items()}
    assert modalities == {"ct/header.dcm": "mr", "xray/a.png": "xr", "MRI/deep/b.png": "mr", "c.png": "oct"}


def test_patients_are_told_by_dicom_and_bids(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", "P1")
    for name in ("sub-01/anat/sub-01_T1w.png", "sub-02_ses-1_T1w.png", "other.png"):
        write_png(tmp_path / name)
    patients = {name: patient for name, (_, patient) in read(tmp_path, "mr").items()}
    assert patients == {
        "a.dcm": "P1",
        "sub-01/anat/sub-01_T1w.png": "sub-01",
        "sub-02_ses-1_T1w.png": "sub-02",
        "other.png": "",
    }


def test_a_series_is_one_row_with_its_files_in_slice_order(tmp_path: Path) -> None:
    for name, position in (("a", 5.0), ("b", -5.0)):
        dataset = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
        dataset.ImagePositionPatient = [0, 0, position]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.save_as(tmp_path / f"{name}.dcm")
    (row,) = read_folder(tmp_path, "auto", leave_out=())
    assert row["file"] == [str(tmp_path / "b.dcm"), str(tmp_path / "a.dcm")]


def test_folders_of_test_images_are_left_out(tmp_path: Path) -> None:
    for name in ("train/us/a.png", "test/us/b.png", "real_test/us/c.png"):
        write_png(tmp_path / name)
    assert list(read(tmp_path)) == ["train/us/a.png"]
    for name in ("test", "test/us", "real_test/us"):
        with pytest.raises(InputError, match="dataset_dir must not be a folder of test images"):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["Test/us", "test/site", "test/US/site", "REAL_TEST/site/scanner/us", "real_test/a/b"])
def test_a_folder_below_test_images_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    write_png(tmp_path / name / "a.png")
    with pytest.raises(InputError, match=rf"test images, got \S+ by the name of {tmp_path / name.split('/')[0]}\."):
        read(tmp_path / name, "us")


def test_folders_of_test_images_are_left_out_at_any_depth_in_any_case(tmp_path: Path) -> None:
    for name in ("us/a.png", "us/Test/b.png", "TEST/site/us/c.png", "us/site/Real_Test/deep/d.png"):
        write_png(tmp_path / name)
    assert list(read(tmp_path)) == ["us/a.png"]


def test_a_series_with_a_slice_among_test_images_is_left_out(tmp_path: Path) -> None:
    for name, position in (("train/a", -5.0), ("test/b", 5.0)):
        write_dicom(tmp_path / f"{name}.dcm", "P1")
        dataset = pydicom.dcmread(tmp_path / f"{name}.dcm")
        dataset.ImagePositionPatient = [0, 0, position]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.save_as(tmp_path / f"{name}.dcm")
    write_png(tmp_path / "train" / "us" / "c.png")
    assert list(read(tmp_path)) == ["train/us/c.png"]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"dataset_dir must hold images, got none in {tmp_path}. Pass another, or a"):
        read(tmp_path)


def test_a_folder_of_test_images_alone_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "test" / "us" / "a.png")
    with pytest.raises(InputError, match=f"got test images alone in {tmp_path}. They are never trained on; add others"):
        read(tmp_path)


def test_a_path_may_go_through_a_test_of_another_kind(tmp_path: Path) -> None:
    write_png(tmp_path / "test" / "project" / "images" / "us" / "a.png")
    assert list(read(tmp_path / "test" / "project" / "images")) == ["us/a.png"]


@pytest.mark.parametrize("name", ["/home/test/data", "/Users/test/us", "/home/test"])
def test_a_user_may_be_called_test(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png")
    monkeypatch.setattr(Path, "resolve", lambda _: Path(name))
    assert list(read(tmp_path, "us")) == ["a.png"]


def test_what_is_no_image_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_png(tmp_path / "us" / "a.png")
    (tmp_path / "us" / "notes.txt").write_text("no image")
    with caplog.at_level(logging.WARNING):
        assert list(read(tmp_path)) == ["us/a.png"]
    assert "notes.txt" in caplog.text


def test_an_image_of_unknown_modality_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"modality must be one of .* got none in .*a\.png"):
        read(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset_dir must be a folder or a manifest, got .*absent"):
        read(tmp_path / "absent")
