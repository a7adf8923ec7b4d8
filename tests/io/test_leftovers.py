"""What a run that died has left in a folder, and what is none of its."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from monai_gan_denoise.io.atomic import whole_files
from monai_gan_denoise.io.leftovers import remove_leftovers


def left(folder: Path, *names: str, state: str = "unfinished") -> Path:
    """What a writer that was killed leaves."""
    temporary = folder / ".partial-a1b2c3d_"
    (temporary / state).mkdir(parents=True)
    (temporary / "lock").touch()
    for name in names:
        (temporary / state / name).write_text("left")
    return temporary


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_what_was_unfinished_goes_wherever_it_lies(tmp_path: Path) -> None:
    left(tmp_path, "1.png")
    left(tmp_path / "deep" / "er", "2.png")
    assert remove_leftovers(tmp_path) == 2
    assert everything(tmp_path) == {"deep", "deep/er"}


def test_what_was_whole_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_text("old")
    left(tmp_path, "1.dcm", "2.dcm", state="whole")
    assert remove_leftovers(tmp_path) == 1
    assert everything(tmp_path) == {"1.dcm", "2.dcm"}
    assert (tmp_path / "1.dcm").read_text() == "left"


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    with whole_files([tmp_path / "1.png"]) as (partial,):
        partial.write_text("new")
        assert remove_leftovers(tmp_path) == 0
    assert (tmp_path / "1.png").read_text() == "new"


@pytest.mark.parametrize("name", [".partial-a1b2c3d_", ".partial-mine", "partial-a1b2c3d_", ".partial-a1b2c3d_x"])
def test_what_others_named_alike_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.txt").write_text("mine")
    (tmp_path / ".partial-file0001").write_text("mine")
    before = everything(tmp_path)
    assert remove_leftovers(tmp_path) == 0
    assert everything(tmp_path) == before


def test_a_file_of_others_among_ours_keeps_all(tmp_path: Path) -> None:
    (left(tmp_path, "1.png") / "mine.txt").write_text("mine")
    before = everything(tmp_path)
    assert remove_leftovers(tmp_path) == 0
    assert everything(tmp_path) == before


def test_a_temporary_folder_that_was_just_made_goes(tmp_path: Path) -> None:
    (tmp_path / ".partial-a1b2c3d_").mkdir()
    assert remove_leftovers(tmp_path) == 1
    assert everything(tmp_path) == set()


def test_links_are_not_followed(tmp_path: Path) -> None:
    left(tmp_path / "elsewhere", "1.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    assert remove_leftovers(tmp_path / "out") == 0
    assert remove_leftovers(tmp_path / "elsewhere") == 1


def test_subfolders_can_be_left_out(tmp_path: Path) -> None:
    left(tmp_path, "1.png")
    left(tmp_path / "deep", "2.png")
    assert remove_leftovers(tmp_path, below=False) == 1
    assert everything(tmp_path / "deep") != set()


@pytest.mark.parametrize("last", range(1, 5))
@pytest.mark.parametrize("clear", [False, True])
def test_a_removal_that_is_cut_short_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clear: bool, last: int
) -> None:
    """However many of its files and folders have gone: what is left is known for a temporary folder."""
    gone: list[str] = []

    def cut_short(remove: Callable[..., None]) -> Callable[..., None]:
        def one(path: str, **options: Any) -> None:
            if len(gone) < last:
                gone.append(path)
                remove(path, **options)

        return one

    with monkeypatch.context() as patch, suppress(InterruptedError):
        if clear:
            left(tmp_path, "1.png")
        for name in ("unlink", "rmdir"):
            patch.setattr(os, name, cut_short(getattr(os, name)))
        if clear:
            remove_leftovers(tmp_path)
        else:
            with whole_files([tmp_path / "1.png"]) as (partial,):
                partial.write_text("new")
                raise InterruptedError
    assert len(gone) == last
    remove_leftovers(tmp_path)
    assert everything(tmp_path) == set()
