"""Links and names never lead an output out of OUTPUT; inputs are read wherever their links lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from monai_gan_denoise.io import find_scans, read_scan, whole_file, write_scan
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("test", "made by a test", "fingerprint")
VICTIM = b"not to be touched"


def png(path: Path, value: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 24), value, np.uint8)).save(path)
    return path


def write_all(items: list[dict[str, Any]]) -> None:
    """Write what a run would write, with nothing removed."""
    for item in items:
        files = [Path(path) for path in item["image"]]
        outputs = [Path(path) for path in item["outputs"]]
        write_scan(files, np.zeros_like(read_scan(files).values), outputs, DERIVATION)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no output may reach, with one file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "a.png").write_bytes(VICTIM)
    return folder


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("place", ["sub", "sub/deeper"])
def test_a_folder_of_output_that_is_a_link_out_of_it_is_refused(
    place: str, overwrite: bool, tmp_path: Path, outside: Path
) -> None:
    png(tmp_path / "in" / place / "new.png")
    png(tmp_path / "in" / "b.png")
    target = tmp_path / "out"
    (target / place).parent.mkdir(parents=True)
    (target / place).symlink_to(outside, target_is_directory=True)
    refused, sound = sorted(find_scans(tmp_path / "in", target, "us", overwrite), key=lambda item: "outputs" in item)
    assert refused["refusal"] == (
        f"outputs must lie in OUTPUT, got {target}/{place}/new.png behind a link that leads out of {target}. "
        "Remove the link."
    )
    write_all([sound])
    assert files_below(outside) == {"a.png": VICTIM}


def test_a_series_of_which_one_slice_would_leave_output_is_refused(tmp_path: Path, outside: Path) -> None:
    for index, folder in enumerate(("a", "b")):
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        dataset.SOPInstanceUID = f"1.2.3.{index}"
        dataset.ImagePositionPatient = [0, 0, float(index)]
        (tmp_path / "in" / folder).mkdir(parents=True)
        dataset.save_as(tmp_path / "in" / folder / "slice.dcm")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b").symlink_to(outside, target_is_directory=True)
    (item,) = find_scans(tmp_path / "in", tmp_path / "out")
    assert item["refusal"].startswith(f"outputs must lie in OUTPUT, got {tmp_path}/out/b/slice.dcm behind a link")


def test_a_folder_of_output_may_be_a_link_that_stays_in_it(tmp_path: Path) -> None:
    png(tmp_path / "in" / "sub" / "a.png")
    (tmp_path / "out" / "store").mkdir(parents=True)
    (tmp_path / "out" / "sub").symlink_to("store", target_is_directory=True)
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us"))
    assert (tmp_path / "out" / "store" / "a.png").is_file()


def test_output_itself_may_be_a_link(tmp_path: Path) -> None:
    png(tmp_path / "in" / "a.png")
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk", target_is_directory=True)
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us"))
    assert (tmp_path / "disk" / "a.png").is_file()


@pytest.mark.parametrize("name", ["a.png", ".partial-a.png"])
def test_a_link_in_the_place_of_a_result_is_replaced_and_not_followed(name: str, tmp_path: Path, outside: Path) -> None:
    png(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(outside / "a.png")
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us", overwrite=True))
    assert files_below(outside) == {"a.png": VICTIM}
    assert not (tmp_path / "out" / "a.png").is_symlink()
    assert np.array_equal(Image.open(tmp_path / "out" / "a.png"), Image.open(tmp_path / "in" / "a.png"))


def test_a_link_to_nothing_in_the_place_of_a_result_is_not_followed(tmp_path: Path, outside: Path) -> None:
    png(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(outside / "new.png")
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us"))
    assert files_below(outside) == {"a.png": VICTIM}


def test_a_whole_file_replaces_links_under_either_name(tmp_path: Path, outside: Path) -> None:
    for name in ("report.txt", ".partial-report.txt"):
        (tmp_path / name).symlink_to(outside / "a.png")
    with whole_file(tmp_path / "report.txt") as partial:
        partial.write_text("new")
    assert (tmp_path / "report.txt").read_text() == "new"
    assert files_below(outside) == {"a.png": VICTIM}


def test_an_input_behind_a_link_is_read_and_its_result_lies_in_output(tmp_path: Path) -> None:
    elsewhere = png(tmp_path / "elsewhere" / "scan.png", 30)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to(elsewhere)
    (tmp_path / "in" / "sub").symlink_to(elsewhere.parent, target_is_directory=True)
    before = files_below(elsewhere.parent)
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us"))
    assert set(files_below(tmp_path / "out")) == {"a.png", "sub/scan.png"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))
    assert files_below(elsewhere.parent) == before


def test_rows_of_a_manifest_name_no_file_that_is_not_below_input(tmp_path: Path, outside: Path) -> None:
    png(tmp_path / "in" / "a.png")
    rows = f"file,modality\na.png,us\n../outside/a.png,us\n{outside}/a.png,us\n../../../a.png,us\n"
    (tmp_path / "in" / "manifest.csv").write_text(rows)
    items = find_scans(tmp_path / "in", tmp_path / "out")
    assert [item["outputs"] for item in items] == [[str(tmp_path / "out" / "a.png")]]


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI:UserWarning")
def test_uids_name_no_folder(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    with pydicom.config.disable_value_validation():
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, keyword, "../../../outside/1")
        (tmp_path / "in").mkdir()
        dataset.save_as(tmp_path / "in" / "a.dcm", enforce_file_format=False)
    write_all(find_scans(tmp_path / "in", tmp_path / "deep" / "out"))
    assert set(files_below(tmp_path)) == {"in/a.dcm", "deep/out/a.dcm"}


@pytest.mark.parametrize("name", ["..png", "...png", " ..png", "a\\..\\b.png", "%2e%2e%2fa.png", "~.png"])
def test_odd_names_stay_names(name: str, tmp_path: Path) -> None:
    png(tmp_path / "in" / "x.png").rename(tmp_path / "in" / name)
    png(tmp_path / "in" / "seen.png")
    write_all(find_scans(tmp_path / "in", tmp_path / "out", "us"))
    expected = {"seen.png"} if name.startswith(".") else {"seen.png", name}  # what is hidden is left out
    assert set(files_below(tmp_path)) - {f"in/{name}", "in/seen.png"} == {f"out/{each}" for each in expected}
