"""What find_scans makes of a file, a series or a tree."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_gan_denoise.io import find_scans, read_manifest, read_scan
from monai_gan_denoise.scans.errors import InputError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"only the name counts here")
    return path


def dicom(path: Path, **elements: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def outputs(items: list[dict[str, Any]]) -> list[str]:
    return [path for item in items for path in item["outputs"]]


def refusals(items: list[dict[str, Any]]) -> list[str]:
    return [item["refusal"] for item in items if "refusal" in item]


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("a.nii.gz", "new.nii.gz", "new.nii.gz"),
        ("a.nii.gz", "NEW.NII.GZ", "NEW.NII.GZ"),
        ("a.png", "new.png", "new.png"),
        ("a.jpg", "new.png", "new.png"),
        ("a.tif", "new.tiff", "new.tiff"),
        ("a.nii.gz", "folder", "folder/a.nii.gz"),
        ("a.jpg", "folder", "folder/a.jpg.png"),
        ("A.JPEG", "folder", "folder/A.JPEG.png"),
        ("a.png", "folder.of.results", "folder.of.results/a.png"),
    ],
)
def test_one_file_goes_to_a_file_or_into_a_folder(name: str, target: str, expected: str, tmp_path: Path) -> None:
    items = find_scans(touch(tmp_path / "in" / name), tmp_path / target, "us")
    assert outputs(items) == [str(tmp_path / expected)]


def test_a_folder_that_exists_is_a_folder_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    items = find_scans(touch(tmp_path / "a.png"), tmp_path / "out.png", "us")
    assert outputs(items) == [str(tmp_path / "out.png" / "a.png")]


@pytest.mark.parametrize(
    ("name", "target", "suffix"),
    [
        ("a.nii.gz", "new.nii", ".nii.gz"),
        ("a.nii", "new.nii.gz", ".nii"),
        ("a.png", "new.nii", ".png"),
        ("a.jpg", "new.jpg", ".png"),
        ("a.nrrd", "new.mha", ".nrrd"),
    ],
)
def test_output_of_another_format_is_refused(name: str, target: str, suffix: str, tmp_path: Path) -> None:
    (reason,) = refusals(find_scans(touch(tmp_path / name), tmp_path / "out" / target, "us"))
    assert re.match(rf"OUTPUT must end in {re.escape(suffix)} as the result of {re.escape(name)} does, got ", reason)


def test_a_dicom_file_without_suffix_goes_to_any_dicom_suffix_but_no_other(tmp_path: Path) -> None:
    path = dicom(tmp_path / "IM0001")
    assert outputs(find_scans(path, tmp_path / "new.ima")) == [str(tmp_path / "new.ima")]
    assert "must end in .dcm" in refusals(find_scans(path, tmp_path / "new.png"))[0]


def test_a_tree_is_mirrored_with_exact_names(tmp_path: Path) -> None:
    names = ["b.nii.gz", "deep/er/ä b.png", "deep/x.jpg", "deep/x.nrrd"]
    for name in names:
        touch(tmp_path / "in" / name)
    dicom(tmp_path / "in" / "series" / "IM 2")
    expected = ["b.nii.gz", "deep/er/ä b.png", "deep/x.jpg.png", "deep/x.nrrd", "series/IM 2"]
    items = find_scans(tmp_path / "in", tmp_path / "out", "us")
    assert outputs(items) == [str(tmp_path / "out" / name) for name in expected]


def test_the_slices_of_a_series_keep_their_names_in_the_order_of_their_positions(tmp_path: Path) -> None:
    for name, height in (("c.dcm", -20), ("a.dcm", 0), ("b.dcm", -10)):
        dicom(tmp_path / "in" / name, ImagePositionPatient=[0, 0, height])
    (item,) = find_scans(tmp_path / "in", tmp_path / "out")
    assert [Path(path).name for path in item["image"]] == ["c.dcm", "b.dcm", "a.dcm"]
    assert [Path(path).name for path in item["outputs"]] == ["c.dcm", "b.dcm", "a.dcm"]
    assert item["modality"] == "ct"


def test_the_header_wins_over_the_manifest_which_wins_over_the_option(tmp_path: Path) -> None:
    dicom(tmp_path / "header.dcm")
    for name in ("listed.png", "capitals.png", "blank.png", "other.png"):
        touch(tmp_path / name)
    rows = ("header.dcm,mr", "listed.png,oct", "capitals.png, CT ", "blank.png, ")
    (tmp_path / "manifest.csv").write_text("\n".join(["file,modality", *rows]))
    found = {Path(item["image"][0]).name: item["modality"] for item in find_scans(tmp_path, tmp_path / "../o", "us")}
    assert found == {
        "header.dcm": "ct",
        "listed.png": "oct",
        "capitals.png": "ct",
        "blank.png": "us",
        "other.png": "us",
    }


@pytest.mark.parametrize(
    ("keyword", "modality"),
    [("CT", "ct"), ("MR", "mr"), ("US", "us"), ("OPT", "oct"), ("OCT", "oct")]
    + [(keyword, "xr") for keyword in ("CR", "DX", "MG", "XA", "RF")],
)
def test_dicom_modalities_are_known(keyword: str, modality: str, tmp_path: Path) -> None:
    (item,) = find_scans(dicom(tmp_path / "a.dcm", Modality=keyword), tmp_path / "out", "auto")
    assert item["modality"] == modality


@pytest.mark.parametrize("keyword", ["NM", "OT"])
def test_an_unusual_header_needs_the_option(keyword: str, tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", Modality=keyword)
    assert f"got {keyword} in {path}. Pass --modality" in refusals(find_scans(path, tmp_path / "out"))[0]
    assert find_scans(path, tmp_path / "out", "oct")[0]["modality"] == "oct"


def test_a_modality_that_nobody_names_is_refused(tmp_path: Path) -> None:
    (reason,) = refusals(find_scans(touch(tmp_path / "a.png"), tmp_path / "out"))
    assert reason.startswith("modality must be one of ct, mr, xr, us, oct, got none in")


def test_side_files_hidden_files_and_unfinished_files_are_no_inputs(tmp_path: Path) -> None:
    for name in ("a.json", "a.bval", "manifest.csv", ".hidden.png", ".partial-a.png", ".git/a.png", "a.zraw"):
        touch(tmp_path / "in" / name)
    (tmp_path / "in" / "manifest.csv").write_text("file,modality\n")
    touch(tmp_path / "in" / "a.png")
    assert outputs(find_scans(tmp_path / "in", tmp_path / "out", "us")) == [str(tmp_path / "out" / "a.png")]


def test_references_are_left_out_on_request(tmp_path: Path) -> None:
    for name in ("clean.png", "noisy.png", "alone.png"):
        touch(tmp_path / name)
    rows = "clean.png,us,clean,1\nnoisy.png,us,noisy,1\nalone.png,us,clean,\n"
    (tmp_path / "manifest.csv").write_text("file,modality,kind,pair\n" + rows)
    items = find_scans(tmp_path, tmp_path.parent / "out", skip_references=True)
    assert [Path(item["image"][0]).name for item in items] == ["alone.png", "noisy.png"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"file,modality\n\xff\xfe\x00,ct\n", "manifest.csv must be CSV text in UTF-8"),
        (b"path,modality\na.png,ct\n", "columns must include file, got path, modality"),
        (b"file,kind\na.png,clean\n", "columns must include modality, got file, kind"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused_and_not_raised(content: bytes, reason: str, tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_bytes(content)
    (refusal,) = refusals(find_scans(tmp_path, tmp_path.parent / "out", "us"))
    assert reason in refusal
    assert str(tmp_path / "manifest.csv") in refusal
    with pytest.raises(InputError, match=reason):
        read_manifest(tmp_path)


def test_a_manifest_of_short_rows_and_a_spreadsheets_mark_is_read(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbffile,modality,kind\na.png,oct\n")
    (item,) = find_scans(tmp_path, tmp_path.parent / "out")
    assert item["modality"] == "oct"


def test_two_inputs_never_share_an_output(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.jpg")
    touch(tmp_path / "in" / "a.jpg.png")
    first, second = find_scans(tmp_path / "in", tmp_path / "out", "us", overwrite=True)
    assert first["outputs"] == [str(tmp_path / "out" / "a.jpg.png")]
    assert re.match("OUTPUT must be one file an input, got .*a.jpg.png twice. Rename .*a.jpg.png", second["refusal"])


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_output_is_an_input(tmp_path: Path, overwrite: bool) -> None:
    inner = touch(tmp_path / "in" / "in" / "a.png")
    touch(tmp_path / "in" / "a.png")
    for source, target in ((inner, inner), (inner, inner.parent), (tmp_path / "in", tmp_path)):
        found = refusals(find_scans(source, target, "us", overwrite))
        assert [reason for reason in found if reason.startswith("OUTPUT must not be INPUT")], found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no named pipes")
def test_what_is_no_file_is_refused_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = refusals(find_scans(tmp_path, tmp_path.parent / "out", "us"))
    assert [reason.split(",")[0] for reason in found] == ["INPUT must be a file that can be read"] * 2


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("monai_gan_denoise.io.dicom.is_dicom", denied)
    (reason,) = refusals(find_scans(touch(tmp_path / "IM1"), tmp_path / "out", "us"))
    assert f"got Permission denied in {tmp_path / 'IM1'}" in reason


def test_output_that_is_a_file_is_refused_for_a_folder(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    (reason,) = refusals(find_scans(tmp_path / "in", touch(tmp_path / "out"), "us"))
    assert reason.startswith("OUTPUT must be a folder when INPUT is one, got the file")


def test_a_link_to_the_input_folder_is_the_input_folder(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (reason,) = refusals(find_scans(tmp_path / "in", tmp_path / "link" / "out", "us"))
    assert reason.startswith("OUTPUT must lie outside INPUT")


def test_folders_behind_links_are_listed_and_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "a.png")
    touch(tmp_path / "in" / "sub" / "b.png")
    touch(tmp_path / "out" / "old.png")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "results").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "sub" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in" / "sub")
    found = [
        path.relative_to(tmp_path / "out").as_posix()
        for path in map(Path, outputs(find_scans(tmp_path / "in", tmp_path / "out", "us")))
    ]
    assert found == ["linked/a.png", "linked/back/b.png", "sub/b.png"]


def test_a_folder_that_may_not_be_read_is_refused_and_the_rest_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "in" / "a.png")
    touch(tmp_path / "in" / "sealed" / "b.png")
    listed = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "sealed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    good, bad = find_scans(tmp_path / "in", tmp_path / "out", "us")
    assert good["image"] == [str(tmp_path / "in" / "a.png")]
    assert bad["refusal"] == f"INPUT must be a file that can be read, got {tmp_path / 'in' / 'sealed'}. Leave it out."


def test_two_series_in_one_folder_are_two_scans(tmp_path: Path) -> None:
    for index in range(4):
        series = f"1.2.3.{index % 2}"
        dicom(tmp_path / f"{index}.dcm", SeriesInstanceUID=series, ImagePositionPatient=[0, 0, 5 * index])
    items = find_scans(tmp_path, tmp_path.parent / "out")
    assert [[Path(path).name for path in item["image"]] for item in items] == [["0.dcm", "2.dcm"], ["1.dcm", "3.dcm"]]


def test_every_item_is_either_refused_or_complete(tmp_path: Path) -> None:
    dicom(tmp_path / "a.dcm")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "b.png")
    shutil.copyfile(str(get_testdata_file("reportsi.dcm", download=False)), tmp_path / "sr.dcm")
    items = find_scans(tmp_path, tmp_path.parent / "out")
    assert [("refusal" in item, "outputs" in item) for item in items] == [(False, True), (True, False), (True, False)]
    assert all(isinstance(path, str) for item in items for path in item["image"])


def meta_image(path: Path, data: str) -> Path:
    """A header with its data beside it."""
    touch(path.parent / data)
    path.write_text(f"ObjectType = Image\nElementDataFile = {data}\n")
    return path


@pytest.mark.parametrize("header", [".mhd", ".mha"])
@pytest.mark.parametrize("suffix", [".raw", ".zraw", ".img"])
def test_the_existing_data_of_an_mhd_are_kept_too(header: str, suffix: str, tmp_path: Path) -> None:
    source = meta_image(tmp_path / "in" / f"a{header}", f"pixels{suffix}")
    data = touch(tmp_path / "out" / f"b{suffix}")
    (reason,) = refusals(find_scans(source, tmp_path / "out" / f"b{header}", "us"))
    assert reason == f"OUTPUT must not exist, got {data}. Pass --overwrite to replace it."
    assert "refusal" not in find_scans(source, tmp_path / "out" / f"b{header}", "us", overwrite=True)[0]


def test_no_output_has_its_data_in_place_of_an_inputs(tmp_path: Path) -> None:
    source = meta_image(tmp_path / "a.mhd", "b.img")
    (reason,) = refusals(find_scans(source, tmp_path / "b.mhd", "us", overwrite=True))
    assert reason == f"OUTPUT must not be INPUT, got {tmp_path / 'b.img'}. Inputs are never modified; name another."


def test_two_inputs_never_share_the_data_of_their_outputs(tmp_path: Path) -> None:
    for name, data in (("a.mha", "a.raw"), ("a.mhd", "pixels.raw")):
        meta_image(tmp_path / "in" / name, data)
    _, second = find_scans(tmp_path / "in", tmp_path / "out", "us", overwrite=True)
    shared = tmp_path / "out" / "a.raw"
    rename = tmp_path / "in" / "a.mhd"
    assert second["refusal"] == f"OUTPUT must be one file an input, got {shared} twice. Rename {rename}."


def test_data_beside_their_header_are_no_image_of_their_own(tmp_path: Path) -> None:
    meta_image(tmp_path / "in" / "a.mhd", "a.img")
    meta_image(tmp_path / "in" / "b.mha", "pixels")
    dicom(tmp_path / "in" / "slice.dcm")
    (tmp_path / "in" / "c.mhd").write_text("HeaderSize = -1\nElementDataFile = slice.dcm\n")
    touch(tmp_path / "in" / "lonely.img")
    items = find_scans(tmp_path / "in", tmp_path / "out", "us")
    assert [Path(item["image"][0]).name for item in items] == ["a.mhd", "b.mha", "c.mhd", "lonely.img", "slice.dcm"]
    assert [reason.partition(",")[0] for reason in refusals(items)] == ["INPUT must be an image"]


def test_an_existing_residual_is_kept_too(tmp_path: Path) -> None:
    source = touch(tmp_path / "in" / "a.png")
    residual = touch(tmp_path / "out" / "a.png.residual.tiff")
    assert "refusal" not in find_scans(source, tmp_path / "out", "us")[0]
    (reason,) = refusals(find_scans(source, tmp_path / "out", "us", residual=True))
    assert reason == f"OUTPUT must not exist, got {residual}. Pass --overwrite to replace it."


LABELS = [1002, 1003]
NO_INTENSITIES = [
    *LABELS,
    1004,
    1005,
    1006,
    1007,
    1008,
    1009,
    1010,
]  # matrices to quaternions, as nifti1.h numbers them
INTENSITIES = [0, 2, 5, 24, 1001, 1011, 2001]  # none, correlation, z score, p value, estimate, no unit, time series


def nifti(path: Path, intent: int, kind: type = nibabel.Nifti1Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = kind(np.zeros((16, 16, 2), np.int16), np.eye(4))
    image.header["intent_code"] = intent
    nibabel.save(image, path)
    return path


def slicer_segmentation(path: Path, end: str = "\n") -> Path:
    """What 3D Slicer writes, shortened: an NRRD of labels with keys that describe the segments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["NRRD0004", "type: unsigned char", "dimension: 3", "sizes: 16 16 2", "encoding: raw"]
    lines += ["Segment0_Color:=0.5 0.68 0.5", "Segment0_ID:=Segment_1", "Segment0_LabelValue:=1", "", ""]
    path.write_bytes(end.join(lines).encode() + bytes(16 * 16 * 2))
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.NII.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("intent", [*NO_INTENSITIES, *INTENSITIES])
def test_labels_and_vectors_are_known_by_their_intent(intent: int, kind: type, name: str, tmp_path: Path) -> None:
    path = nifti(tmp_path / name, intent, kind)
    (item,) = find_scans(path, tmp_path / "out", "mr")
    assert ("refusal" in item) == (intent in NO_INTENSITIES)
    if intent in LABELS:
        what = {1002: "label", 1003: "neuroname"}[intent]
        found = f"intent_code must be one of an image, got {intent} ({what}) in {path}"
        assert item["refusal"] == f"{found}. Leave it out, or set it to 0 if this is an image."


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_segmentations_of_3d_slicer_are_known_by_their_keys(end: str, tmp_path: Path) -> None:
    path = slicer_segmentation(tmp_path / "a.seg.nrrd", end)
    (item,) = find_scans(path, tmp_path / "out", "mr")
    reason = f"NRRD must hold an image, got a segmentation (Segment0_ID) in {path}. Leave it out."
    assert item["refusal"] == reason
    with pytest.raises(InputError, match=re.escape(reason)):
        read_scan([path])
    head, data = path.read_bytes().split(b"Segment0_Color")
    path.write_bytes(head + end.encode() + b"Segment0_Color" + data)  # behind the empty line these are pixels
    (item,) = find_scans(path, tmp_path / "out", "mr")
    assert "refusal" not in item


def test_labels_beside_images_are_left_out_and_alone_refused(tmp_path: Path) -> None:
    labels = [nifti(tmp_path / "in" / "dseg.nii.gz", 1002), slicer_segmentation(tmp_path / "in" / "s.seg.nrrd")]
    assert [
        ("left_out" in item, "refusal" in item) for item in find_scans(tmp_path / "in", tmp_path / "out", "mr")
    ] == [
        (False, True),
        (False, True),
    ]
    image = nifti(tmp_path / "in" / "bold.nii.gz", 0)
    scan, *others = find_scans(tmp_path / "in", tmp_path / "out", "mr")
    assert scan["image"] == [str(image)]
    assert [(item["image"], item["left_out"]) for item in others] == [([str(path)], True) for path in labels]


def test_a_label_map_is_not_read_as_an_image(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", 1002)
    with pytest.raises(InputError, match=r"intent_code must be one of an image, got 1002 \(label\) in .*a\.nii\."):
        read_scan([path])
