"""The command: its table, its CSV, its exit codes."""

from __future__ import annotations

import csv
import logging
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from skimage import metrics

from monai_gan_denoise.cli import main
from monai_gan_denoise.metrics import scores as measures

Folders = tuple[Path, Path, Path]
Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """Take the terminal's handler off again, whose stream ends with the test."""
    yield
    logger = logging.getLogger("monai_gan_denoise")
    logger.handlers, logger.level = [], logging.NOTSET


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*arguments: object) -> tuple[int, list[str], list[str]]:
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", *map(str, arguments)])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.splitlines(), err.splitlines()

    return called


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_csv_holds_output_noisy_input_and_gain(folders: Folders, tmp_path: Path, run: Run) -> None:
    clean, pred, noisy = folders
    target = tmp_path / "new" / "figures.csv"
    code, _, err = run("--clean", clean, "--pred", pred, "--noisy", noisy, "--modality", "us", "--output", target)
    assert (code, err) == (0, [])
    for row, name in zip(rows(target), ("a.png", "deep/b.png"), strict=True):
        images = [pixels(root / name) for root in folders]
        psnr, before = (metrics.peak_signal_noise_ratio(images[0], image) for image in images[1:])
        assert (row["image"], row["modality"], row["range"], row["note"]) == (name, "us", "255", "")
        assert float(row["psnr"]) == pytest.approx(psnr)
        assert float(row["noisy_psnr"]) == pytest.approx(before)
        assert float(row["psnr_gain"]) == pytest.approx(psnr - before, abs=1e-5)
        assert row["bias_fat_hu"] == ""


def test_the_table_has_a_line_an_image_and_the_means_of_each_modality(folders: Folders, run: Run) -> None:
    clean, pred, _ = folders
    (clean / "manifest.csv").write_text("file,modality\na.png,us\ndeep/b.png,xr\n")
    code, out, err = run("--clean", clean, "--pred", pred)
    assert (code, err) == (0, [])
    assert out[0].split() == ["image", "range", "PSNR", "dB", "SSIM", "MSE", "RMSE"]
    assert [line.split("  ")[0] for line in out[1:]] == ["a.png", "deep/b.png", "mean of 1 us", "mean of 1 xr"]
    psnr = metrics.peak_signal_noise_ratio(*(pixels(root / "a.png") for root in (clean, pred)))
    assert f" {psnr:.2f} " in out[1]


def test_means_are_those_of_the_lines(folders: Folders, tmp_path: Path, run: Run) -> None:
    clean, pred, _ = folders
    _, out, _ = run("--clean", clean, "--pred", pred, "--modality", "us", "--output", tmp_path / "out.csv")
    mean = np.mean([float(row["psnr"]) for row in rows(tmp_path / "out.csv")])
    assert f" {mean:.2f} " in out[-1]


def test_a_pair_of_other_shapes_gets_one_line_and_the_rest_is_measured(
    folders: Folders, tmp_path: Path, run: Run
) -> None:
    clean, pred, _ = folders
    Image.fromarray(pixels(pred / "a.png")[1:]).save(pred / "a.png")
    code, out, err = run("--clean", clean, "--pred", pred, "--output", tmp_path / "out.csv")
    assert code == 1
    assert len(err) == 1
    assert "images must have the shape (64, 64)" in err[0]
    assert len(out) == 3
    assert [row["note"] for row in rows(tmp_path / "out.csv")] == [err[0], ""]


def test_nothing_measured_ends_with_2(folders: Folders, run: Run) -> None:
    clean, pred, _ = folders
    for path in clean.rglob("*.png"):
        path.write_bytes(b"no image")
    code, out, err = run("--clean", clean, "--pred", pred)
    assert (code, out, len(err)) == (2, [], 2)


def test_a_missing_partner_ends_with_2_and_writes_nothing(folders: Folders, tmp_path: Path, run: Run) -> None:
    clean, pred, _ = folders
    (pred / "a.png").unlink()
    code, out, err = run("--clean", clean, "--pred", pred, "--output", tmp_path / "out.csv")
    assert (code, out, len(err)) == (2, [], 1)
    assert "every image must have a partner" in err[0]
    assert "a.png" in err[0]
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such names cannot be made")
def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_can_be(folders: Folders, tmp_path: Path, run: Run) -> None:
    for root in folders[:2]:
        (root / "a.png").rename(root / os.fsdecode(b"caf\xe9.png"))
    code, out, err = run("--clean", folders[0], "--pred", folders[1], "--output", tmp_path / "out.csv")
    assert (code, err) == (0, [])
    assert [line.split("  ")[0] for line in out[1:3]] == ["caf\\udce9.png", "deep/b.png"]
    assert len({line.index(" 255 ") for line in out[1:3]}) == 1
    assert [row["image"] for row in rows(tmp_path / "out.csv")] == ["caf\\udce9.png", "deep/b.png"]


@pytest.mark.parametrize("side", ["clean", "pred", "noisy"])
@pytest.mark.parametrize("name", ["a.png", "b.csv", "manifest.csv"])
def test_no_table_replaces_a_file_that_is_read(
    folders: Folders, tmp_path: Path, run: Run, side: str, name: str
) -> None:
    clean, pred, noisy = folders
    for root in folders:  # known for an image by its content
        shutil.copyfile(str(get_testdata_file("CT_small.dcm", download=False)), root / "b.csv")
        (root / "manifest.csv").write_text("file,modality\na.png,us\n")
    before = (tmp_path / side / name).read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / side)
    output = tmp_path / "link" / name
    code, out, err = run("--clean", clean, "--pred", pred, "--noisy", noisy, "--output", output)
    assert (code, out, len(err)) == (2, [], 1)
    rule = "must end in .csv" if name == "a.png" else "must not be one of the files that are read"
    assert f"--output {rule}, got {output}." in err[0]
    assert (tmp_path / side / name).read_bytes() == before


def test_an_older_table_is_replaced(folders: Folders, tmp_path: Path, run: Run) -> None:
    (tmp_path / "out.csv").write_text("image,modality\n")
    assert run("--clean", folders[0], "--pred", folders[1], "--output", tmp_path / "out.csv")[0] == 0
    assert [row["image"] for row in rows(tmp_path / "out.csv")] == ["a.png", "deep/b.png"]


def test_equal_images_are_infinitely_close_and_their_noisy_ones_without_gain(folders: Folders, run: Run) -> None:
    clean, _, _ = folders
    _, out, _ = run("--clean", clean, "--pred", clean, "--noisy", clean)
    assert "gain dB" not in out[0]
    assert out[1].split()[2] == str(math.inf)


@pytest.mark.parametrize("text", ["wide", "0", "-5", "240:-160", "1:nan", "inf", ":"])
def test_a_range_that_is_none_is_refused(folders: Folders, run: Run, text: str) -> None:
    code, _, err = run("--clean", folders[0], "--pred", folders[1], "--data-range", text)
    assert code == 2
    assert "--data-range must be a width R or two ends LOW:HIGH, got" in err[0]


def test_a_window_is_taken_as_the_range(folders: Folders, tmp_path: Path, run: Run) -> None:
    settings = ("--data-range", "-160:240", "--output", tmp_path / "out.csv")
    assert run("--clean", folders[0], "--pred", folders[1], *settings)[0] == 0
    assert {row["range"] for row in rows(tmp_path / "out.csv")} == {"400"}


def test_without_scikit_image_the_extra_is_named(folders: Folders, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "find_spec", lambda name: None)
    code, _, err = run("--clean", folders[0], "--pred", folders[1])
    assert code == 2
    assert "scikit-image must be installed to measure" in err[0]
