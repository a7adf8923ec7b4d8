"""The file of a run report, and what tells one source or output from another."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from monai_gan_denoise.io import earlier_salt, report_file, source_digest, stored_bytes, write_report
from monai_gan_denoise.io.report import read_report
from monai_gan_denoise.scans.errors import InputError

REPORT = {"version": 1, "program": "monai_gan_denoise 0.1.0", "uid_salt": "abc", "input": "/in", "scans": []}


def test_a_folders_report_lies_in_the_output_and_a_files_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert report_file(tmp_path, "out") == Path("out/run_report.json")
    assert report_file(tmp_path / "a.png", "out") is None
    assert report_file(tmp_path / "a.png", "out", "r.json") == report_file(tmp_path, "out", "r.json") == Path("r.json")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_report(tmp_path / "r.json", REPORT)
    assert read_report(tmp_path / "r.json") == REPORT
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert read_report(tmp_path / "absent.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({**REPORT, "version": 2}), '{"version": 1}'])
def test_another_file_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(
        InputError, match=r"report must be a run report of version 1 or absent, got another file in .*r"
    ):
        read_report(tmp_path / "r.json")


def test_the_salt_is_of_the_run_that_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "out" / "run_report.json"
    assert earlier_salt(tmp_path, tmp_path / "out", None, True) == ""
    write_report(path, REPORT)
    assert earlier_salt(tmp_path, tmp_path / "out", None, True) == "abc"
    assert earlier_salt(tmp_path, tmp_path / "out", None, False) == ""
    path.write_text("another")
    assert earlier_salt(tmp_path, tmp_path / "out", None, True) == ""


def test_a_source_is_another_by_size_time_or_name_of_any_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for path in (one, two):
        path.write_text("same")
        os.utime(path, ns=(0, 10**18))
    digests = [source_digest([one, two]), source_digest([one]), source_digest([two])]
    os.utime(two, ns=(0, 10**18 + 1))
    digests.append(source_digest([one, two]))
    two.write_text("longer")
    os.utime(two, ns=(0, 10**18))
    digests.append(source_digest([one, two]))
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("name", ["a.mhd", "a.mha", "A.MHD"])
@pytest.mark.parametrize("data", ["a.raw", "a.zraw", "pixels.img"])
def test_the_data_beside_an_mhd_belong_to_it(tmp_path: Path, name: str, data: str) -> None:
    head = f"ElementDataFile = {data}\n"
    (tmp_path / name).write_text(head)
    alone = source_digest([tmp_path / name])
    (tmp_path / data).write_text("pixels")
    assert source_digest([tmp_path / name]) != alone
    assert stored_bytes([tmp_path / name]) == len(head) + len("pixels")


@pytest.mark.parametrize("padding", [0, 2**16 - 50, 2**16 - 40, 2**16, 2**20])
def test_a_header_may_be_long_before_it_names_its_data(tmp_path: Path, padding: int) -> None:
    (tmp_path / "a.mhd").write_text(f"Comment = {'x' * padding}\nElementDataFile = pixels.img\n")
    head = stored_bytes([tmp_path / "a.mhd"])
    (tmp_path / "pixels.img").write_text("pixels")
    assert stored_bytes([tmp_path / "a.mhd"]) == head + len("pixels")


def test_a_missing_file_is_like_no_other(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("here")
    assert source_digest([tmp_path / "1", tmp_path / "2"]) == ""
    assert stored_bytes([tmp_path / "1", tmp_path / "2"]) == -1
