"""OUTPUT, taken by one run, and what an earlier run did there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monai_gan_denoise.io import (
    REPORT_VERSION,
    OutputClaim,
    RunReport,
    derive,
    find_scans,
    source_digest,
    stored_bytes,
    write_report,
)
from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.scans.scan import Derivation

WAY = derive("abc", 1.0, 1.0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of two images."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def claim(source: Path, target: Path, resume: bool = True, way: Derivation = WAY) -> OutputClaim:
    return OutputClaim(source, target, target / "run_report.json", way, resume)


def finish(source: Path, target: Path, name: str = "a.png") -> None:
    """Leave what a run leaves that has done one scan and not begun with the others."""
    taken = claim(source, target)
    assert taken.take() is None
    (target / name).write_text("result")
    scans = [path for path in sorted(source.iterdir()) if path.suffix != ".img"]
    records = [taken.record([str(path)], [target / path.name], "us") for path in scans]
    for record in records:
        if record["outputs"] == [name]:
            record["source"], record["bytes"] = source_digest([source / name]), stored_bytes([target / name])
            record["derivation"] = taken.way("us")
    report = {"version": REPORT_VERSION, "program": "monai_gan_denoise", "input": str(source.resolve()), "uid_salt": ""}
    write_report(target / "run_report.json", RunReport(**report, scans=records))
    taken.release()


def items(source: Path, target: Path, resume: bool = True, way: Derivation = WAY, **options: object) -> list[str]:
    """What becomes of the scans: their refusals, or whether they are finished."""
    taken = claim(source, target, resume, way)
    try:
        found = find_scans(source, target, **{"modality": "us", "claim": taken, **options})
    finally:
        taken.release()
    return [item.get("refusal", "finished" if "finished" in item else "to do") for item in found]


def test_two_runs_into_one_folder_are_refused_in_one_line(source: Path, target: Path) -> None:
    first = claim(source, target)
    assert first.take() is None
    (refusal,) = items(source, target)
    assert refusal == f"OUTPUT must be of one run at a time, got {target}, in use. Wait, or name another folder."
    first.release()
    assert items(source, target) == ["to do", "to do"]
    assert not list(target.iterdir())


def test_single_files_go_to_one_folder_at_the_same_time(source: Path, target: Path) -> None:
    target.mkdir()
    claims = [OutputClaim(source / name, target, None, WAY) for name in ("a.png", "b.png")]
    assert [one.take() for one in claims] == [None, None]


def test_taking_clears_what_dead_runs_left_and_not_what_is_being_written(source: Path, target: Path) -> None:
    dead = target / "deep" / ".partial-a1b2c3d4"
    (dead / "unfinished").mkdir(parents=True)
    (dead / "lock").touch()
    with whole_file(target / "alive.png") as partial:
        items(source, target)
        assert not dead.exists()
        partial.write_text("whole")
    assert (target / "alive.png").read_text() == "whole"


def test_what_clears_for_a_file_lies_beside_its_output(source: Path, tmp_path: Path) -> None:
    dead = tmp_path / ".partial-a1b2c3d4"
    (dead / "unfinished").mkdir(parents=True)
    (dead / "lock").touch()
    assert OutputClaim(source / "a.png", tmp_path / "b.png", None, WAY).take() is None
    assert not dead.exists()


@pytest.mark.parametrize("resume", [True, False])
def test_anothers_file_in_the_reports_place_stops_the_run(source: Path, target: Path, resume: bool) -> None:
    target.mkdir()
    (target / "run_report.json").write_text("my notes")
    (refusal,) = items(source, target, resume)
    assert refusal.startswith("report must be a run report of version 1 or absent")
    assert [path.name for path in target.iterdir()] == ["run_report.json"]
    assert (target / "run_report.json").read_text() == "my notes"


@pytest.mark.parametrize("name", ["a.png", "a.png.residual.tiff", "deep/../b.png"])
def test_no_report_takes_the_place_of_a_result(source: Path, target: Path, name: str) -> None:
    taken = OutputClaim(source, target, target / name, WAY)
    (item,) = find_scans(source, target, "us", residual=True, claim=taken)
    rule = "report must be another file than the results"
    assert item["refusal"] == f"{rule}, got {target / name}. Pass another name with --report."
    assert not taken.taken
    assert not list(target.iterdir())


def test_a_folder_that_cannot_be_made_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (refusal,) = items(source, tmp_path / "file" / "out")
    assert refusal.startswith("OUTPUT must be a folder to write to, got Not a directory in ")


def test_a_finished_scan_is_left_out_and_the_rest_is_done(source: Path, target: Path) -> None:
    finish(source, target)
    (target / "b.png").write_text("of a run that was killed before it could report this")
    assert items(source, target) == ["finished", "to do"]


def test_without_resume_every_result_is_refused(source: Path, target: Path) -> None:
    finish(source, target)
    first, second = items(source, target, resume=False)
    assert first == f"OUTPUT must not exist, got {target / 'a.png'}. Pass --overwrite to replace it."
    assert second == "to do"
    assert items(source, target, resume=False, overwrite=True) == ["to do", "to do"]


def test_what_has_changed_is_done_again(source: Path, target: Path) -> None:
    finish(source, target)
    assert items(source, target, way=derive("other", 1.0, 1.0)) == ["to do", "to do"]
    assert items(source, target, way=derive("abc", 0.5, 1.0)) == ["to do", "to do"]
    assert items(source, target, way=derive("abc", 1.0, 0.5)) == ["to do", "to do"]
    assert items(source, target, way=derive("abc", 1.0, 1.0, debias="auto")) == ["to do", "to do"]
    assert items(source, target, way=replace(WAY, salt="drawn")) == ["to do", "to do"]
    assert items(source, target, modality="xr") == ["to do", "to do"]
    assert items(source, target, residual=True) == ["to do", "to do"]
    assert items(source, target) == ["finished", "to do"]


@pytest.mark.parametrize("change", ["source", "missing", "cut"])
def test_another_source_or_a_damaged_output_is_done_again(source: Path, target: Path, change: str) -> None:
    finish(source, target)
    if change == "source":
        (source / "a.png").write_bytes(b"\x89PNG, another")
    elif change == "missing":
        (target / "a.png").unlink()
    else:
        (target / "a.png").write_text("res")
    assert items(source, target) == ["to do", "to do"]


def test_a_strangers_file_is_never_replaced(source: Path, target: Path) -> None:
    finish(source, target)
    (source / "c.png").write_bytes(b"\x89PNG")
    (target / "c.png").write_text("a stranger's")
    *_, last = items(source, target)
    assert last == f"OUTPUT must not exist, got {target / 'c.png'}. Pass --overwrite to replace it."


def test_results_of_another_input_are_a_strangers(source: Path, target: Path) -> None:
    finish(source, target)
    source.rename(source.with_name("yesterday"))
    source.mkdir()
    (source / "a.png").write_bytes(b"\x89PNG")
    finish(source.with_name("yesterday"), target)
    (refusal,) = items(source, target)
    assert refusal.startswith("OUTPUT must not exist")


def test_a_refused_scan_keeps_what_the_earlier_run_said(source: Path, target: Path) -> None:
    finish(source, target)
    taken = claim(source, target, resume=False)
    taken.take()
    record = taken.record([str(source / "a.png")], [], None)
    taken.release()
    assert (record["outputs"], record["bytes"]) == (["a.png"], len("result"))


def test_the_data_of_an_mhd_are_replaced_with_it(source: Path, target: Path) -> None:
    for path in source.iterdir():
        path.unlink()
    (source / "v.mhd").write_text("ElementDataFile = pixels.img\n")
    (source / "pixels.img").write_text("pixels")
    finish(source, target, "v.mhd")
    assert items(source, target) == ["finished"]
    (target / "v.img").write_text("of a run that was killed before it could write the header")
    (target / "v.mhd").unlink()
    assert items(source, target) == ["to do"]


@pytest.mark.parametrize("name", ["v.mhd", "v.mha"])
def test_a_volume_whose_data_beside_it_have_changed_is_done_again(source: Path, target: Path, name: str) -> None:
    for path in source.iterdir():
        path.unlink()
    (source / name).write_text("ElementDataFile = pixels.img\n")
    (source / "pixels.img").write_text("pixels")
    finish(source, target, name)
    assert items(source, target) == ["finished"]
    (source / "pixels.img").write_text("others")
    assert items(source, target) == ["to do"]


def test_a_single_file_is_finished_by_a_report_of_its_own(source: Path, tmp_path: Path) -> None:
    target, report = tmp_path / "result.png", tmp_path / "report.json"
    first = OutputClaim(source / "a.png", target, report, WAY, True)
    first.take()
    target.write_text("result")
    record = first.record([str(source / "a.png")], [target], "us")
    assert (record["files"], record["outputs"]) == (["a.png"], ["result.png"])
    record.update(source=source_digest([source / "a.png"]), derivation=first.way("us"), bytes=len("result"))
    facts = {"version": REPORT_VERSION, "program": "monai_gan_denoise", "uid_salt": ""}
    write_report(report, RunReport(**facts, input=str((source / "a.png").resolve()), scans=[record]))
    again = OutputClaim(source / "a.png", target, report, WAY, True)
    (item,) = find_scans(source / "a.png", target, "us", claim=again)
    assert item["finished"]
