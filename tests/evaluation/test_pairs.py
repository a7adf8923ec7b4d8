"""Which images are paired, and which are missed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_gan_denoise.evaluation.pairs import find_pairs

Save = Callable[[str, np.ndarray], Path]
GRAY = np.full((20, 20), 9, np.uint8)


def series(folder: Path, names: tuple[str, ...], seed: str) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[seed])
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[seed, name])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ImagePositionPatient = [0, 0, 5 * number]
        dataset.save_as(folder / name)


def test_images_pair_by_relative_path(folders: tuple[Path, Path, Path]) -> None:
    clean, pred, noisy = folders
    pairs = find_pairs(clean, pred, noisy, "us")
    assert [pair.name for pair in pairs] == ["a.png", "deep/b.png"]
    for pair in pairs:
        assert (*pair.clean, *pair.pred, *pair.noisy) == tuple(root / pair.name for root in folders)
        assert pair.modality == "us"


def test_two_files_are_a_pair_whatever_their_names(folders: tuple[Path, Path, Path]) -> None:
    (pair,) = find_pairs(folders[0] / "a.png", folders[1] / "deep" / "b.png")
    assert (pair.name, pair.modality, pair.noisy) == ("a.png", None, ())


def test_a_series_is_one_image_named_by_its_folder_whatever_its_files_are_called(tmp_path: Path) -> None:
    series(tmp_path / "clean" / "ct", ("1.dcm", "2.dcm", "3.dcm"), "clean")
    series(tmp_path / "pred" / "ct", ("x.dcm", "y.dcm", "z.dcm"), "pred")
    (pair,) = find_pairs(tmp_path / "clean", tmp_path / "pred")
    assert (pair.name, pair.modality, len(pair.clean), len(pair.pred)) == ("ct", "ct", 3, 3)
    (alone,) = find_pairs(tmp_path / "clean" / "ct", tmp_path / "pred" / "ct")
    assert (alone.name, alone.clean) == ("ct", pair.clean)


def test_two_series_in_one_folder_pair_by_their_first_files(tmp_path: Path) -> None:
    for side in ("clean", "pred"):
        series(tmp_path / "new" / side, ("1.dcm", "2.dcm"), f"{side} 1")
        series(tmp_path / side, ("3.dcm", "4.dcm"), f"{side} 2")
        for path in (tmp_path / "new" / side).iterdir():
            shutil.move(path, tmp_path / side)
    assert [pair.name for pair in find_pairs(tmp_path / "clean", tmp_path / "pred")] == ["1.dcm", "3.dcm"]


def test_the_png_that_denoise_makes_of_a_jpeg_is_its_partner(tmp_path: Path, save: Save) -> None:
    save("clean/a.jpg", GRAY)
    save("pred/a.jpg.png", GRAY)
    (pair,) = find_pairs(tmp_path / "clean", tmp_path / "pred")
    assert (pair.name, pair.pred[0].name) == ("a.jpg", "a.jpg.png")


def test_residuals_beside_the_results_are_left_out(folders: tuple[Path, Path, Path], save: Save) -> None:
    clean, pred, _ = folders
    save("pred/a.png.residual.tiff", np.zeros((64, 64), np.float32))
    assert len(find_pairs(clean, pred)) == 2


def test_a_manifest_names_the_modality_before_the_option(folders: tuple[Path, Path, Path]) -> None:
    clean, pred, _ = folders
    (clean / "manifest.csv").write_text("file,modality\na.png,us\n")
    assert [pair.modality for pair in find_pairs(clean, pred, modality="xray")] == ["us", "xr"]


def test_every_image_without_a_partner_is_named_with_the_side_it_lacks(
    folders: tuple[Path, Path, Path], save: Save
) -> None:
    clean, pred, noisy = folders
    (pred / "a.png").unlink()
    save("noisy/c.png", GRAY)
    with pytest.raises(ValueError, match=r"got none in \S+pred for a.png and none in \S+clean for c.png. Add"):
        find_pairs(clean, pred, noisy)


def test_a_long_list_of_missing_partners_is_cut(folders: tuple[Path, Path, Path], save: Save) -> None:
    clean, pred, _ = folders
    for number in range(13):
        save(f"clean/{number:02}.png", GRAY)
    with pytest.raises(ValueError, match=r"for 00.png, .*09.png and 3 more. Add"):
        find_pairs(clean, pred)


def test_what_is_no_image_needs_no_partner_and_is_kept_as_refused(folders: tuple[Path, Path, Path]) -> None:
    clean, pred, _ = folders
    (pred / "notes.txt").write_text("no image")
    refused = [pair for pair in find_pairs(clean, pred) if pair.refusal]
    assert [pair.name for pair in refused] == ["notes.txt"]
    assert "must be an image" in refused[0].refusal


@pytest.mark.parametrize(
    ("pred", "reason"),
    [
        ("absent", "--pred must exist, got .*absent"),
        ("empty", "--pred must hold an image, got none in .*empty"),
        ("clean/a.png", "--pred must be a folder as --clean is, got .*a.png"),
    ],
)
def test_a_folder_that_cannot_be_paired_is_refused(folders: tuple[Path, Path, Path], pred: str, reason: str) -> None:
    (folders[0].parent / "empty").mkdir()
    with pytest.raises(ValueError, match=reason):
        find_pairs(folders[0], folders[0].parent / pred)
