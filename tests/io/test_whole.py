"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from monai_gan_denoise.io import atomic as whole
from monai_gan_denoise.io.atomic import whole_file, whole_files
from monai_gan_denoise.io.leftovers import remove_leftovers


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Let SIGINT raise, also where a shell has started the tests in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write(paths: list[Path], text: str = "new") -> None:
    with whole_files(paths) as partials:
        for partial in partials:
            partial.write_text(text)


def test_a_new_folder_appears_with_all_of_its_files(tmp_path: Path) -> None:
    series = tmp_path / "deep" / "series"
    with whole_files([series / "1.dcm", series / "2.dcm"]) as partials:
        for partial in partials:
            partial.write_text("new")
            assert not (tmp_path / "deep").exists()
    assert contents(tmp_path) == {"deep/series/1.dcm": "new", "deep/series/2.dcm": "new"}


def test_in_a_folder_that_exists_other_files_stay(tmp_path: Path) -> None:
    for name in ("1.dcm", "mine.txt"):
        (tmp_path / name).write_text("old")
    with whole_files([tmp_path / "1.dcm", tmp_path / "2.dcm"]) as partials:
        for partial in partials:
            partial.write_text("new")
        assert (tmp_path / "1.dcm").read_text() == "old"
    assert contents(tmp_path) == {"1.dcm": "new", "2.dcm": "new", "mine.txt": "old"}


def test_files_of_several_folders_find_their_places(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write([tmp_path / "a" / "1", tmp_path / "b" / "c" / "1", tmp_path / "2"])
    assert contents(tmp_path) == {"a/1": "new", "b/c/1": "new", "2": "new"}
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "2"}


@pytest.mark.parametrize("end", [OSError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_everything_as_it_was(tmp_path: Path, end: type[BaseException]) -> None:
    (tmp_path / "1").write_text("old")
    with pytest.raises(end), whole_files([tmp_path / "1", tmp_path / "new" / "2"]) as partials:  # noqa: PT012
        for partial in partials:
            partial.write_text("half")
        raise end
    assert contents(tmp_path) == {"1": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    name = "n" * 248 + ".nii.gz"
    with whole_file(tmp_path / name) as partial:
        assert partial.name == name
        partial.write_text("new")
    assert contents(tmp_path) == {name: "new"}


def test_a_file_where_a_folder_has_to_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("old")
    with pytest.raises(NotADirectoryError, match="blocked"), whole_file(tmp_path / "blocked" / "sub" / "1"):
        pass
    assert contents(tmp_path) == {"blocked": "old"}


def test_a_file_behind_a_linked_folder_is_written_there(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    write([tmp_path / "out" / "new" / "1"])
    assert contents(tmp_path / "disk") == {"new/1": "new"}


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_an_interruption_between_renames_comes_after_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    moved = []

    def replace(source: Path, target: Path) -> None:
        rename(source, target)
        moved.append(target)
        if len(moved) == moment:  # the first is that of the folder of whole files
            signal.raise_signal(signal.SIGINT)

    rename = os.replace
    monkeypatch.setattr(whole.os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write([tmp_path / "1", tmp_path / "2", tmp_path / "3"])
    assert contents(tmp_path) == {"1": "new", "2": "new", "3": "new"}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("function", ["mkdtemp", "rmtree"])
def test_an_interruption_of_making_or_removing_leaves_no_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    module = whole.tempfile if function == "mkdtemp" else whole.shutil
    call = getattr(module, function)

    def interrupted(*arguments: object, **options: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return call(*arguments, **options)

    monkeypatch.setattr(module, function, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write([tmp_path / "1"])
    assert [path.name for path in tmp_path.iterdir()] == (["1"] if function == "rmtree" else [])


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    write([tmp_path / "link"])
    assert contents(tmp_path) == {"elsewhere": "old", "link": "new"}
    assert not (tmp_path / "link").is_symlink()


def test_a_temporary_folder_taken_for_a_dead_runs_before_it_was_locked_does_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(prefix: str, dir: Path) -> str:
        made = create(prefix=prefix, dir=dir)
        assert remove_leftovers(tmp_path) == 1
        return made

    create = whole.tempfile.mkdtemp
    monkeypatch.setattr(whole.tempfile, "mkdtemp", make)
    write([tmp_path / "1"])
    assert contents(tmp_path) == {"1": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
