"""The run report, kept while a run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_denoise.engines import RunReporter, ScanDataset, ScanEngine, reporter
from monai_gan_denoise.io import OutputClaim, derive, find_scans, source_digest
from monai_gan_denoise.scans.errors import InputError

Item = dict[str, Any]
Process = Callable[[Item], Item]
SETTINGS = {"modality": "us", "strength": 1.0, "residual": False}
TEXT, NUMBER, MAYBE = {"type": "string"}, {"type": "number"}, {"type": ["string", "null"]}
SCAN = {
    "files": {"type": "array", "items": TEXT},
    "outputs": {"type": "array", "items": TEXT},
    "status": {"enum": ["pending", "denoised", "skipped", "left out", "refused", "failed"]},
    "reason": MAYBE,
    "modality": MAYBE,
    "seconds": {"type": ["number", "null"]},
    "source": TEXT,
    "derivation": TEXT,
    "bytes": NUMBER,
}
FIELDS = {
    **dict.fromkeys(("program", "monai", "torch", "input", "output", "device", "weights", "weights_hash"), TEXT),
    "version": {"const": 1},
    "command": {"type": "array", "items": TEXT},
    "settings": {"type": "object"},
    "uid_salt": TEXT,
    "state": {"enum": ["running", "complete", "interrupted"]},
    "started": TEXT,
    "ended": MAYBE,
    "counts": {"type": "object", "additionalProperties": NUMBER},
}
SCAN_SCHEMA = {"type": "object", "properties": SCAN, "required": list(SCAN), "additionalProperties": False}
SCHEMA = {
    "type": "object",
    "properties": {**FIELDS, "scans": {"type": "array", "items": SCAN_SCHEMA}},
    "required": [*FIELDS, "scans"],
    "additionalProperties": False,
}


def load(item: Item) -> Item:
    if "broken" in item["image"][0]:
        raise InputError(f"files must be whole, got half in {item['image'][0]}. Copy it again.")
    image = torch.arange(256.0).reshape(1, 16, 16)
    return {**item, "image": MetaTensor(image, meta={"files": item["image"]})}


def copy(item: Item) -> Item:
    Path(item["outputs"][0]).write_bytes(Path(item["image"].meta["files"][0]).read_bytes())
    return item


class Run:
    """A run over a folder of named files, which are copied."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.source, self.target = folder / "in", folder / "out"
        self.source.mkdir(exist_ok=True)
        for name in names:
            (self.source / name).write_bytes(b"\x89PNG" + name.encode())

    def engine(self, process: Process = copy, resume: bool = False) -> ScanEngine:
        claim = OutputClaim(self.source, self.target, self.target / "run_report.json", derive("abc", 1, 1), resume)
        data = find_scans(self.source, self.target, "us", claim=claim)
        handler = RunReporter(claim, "cpu", "model.pt", "abc", SETTINGS)
        return ScanEngine("cpu", ScanDataset(data, load), process, "copied", [handler])

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.target / "run_report.json").read_text())
        jsonschema.validate(report, SCHEMA)
        return report

    def statuses(self) -> dict[str, str]:
        return {scan["files"][0]: scan["status"] for scan in self.report()["scans"]}


def test_the_report_says_what_became_of_each_scan_and_how(tmp_path: Path) -> None:
    def process(item: Item) -> Item:
        if "full" in item["outputs"][0]:
            raise OSError(28, "No space left on device")
        return copy(item)

    run = Run(tmp_path, "a.png", "broken.png", "full.png", "text.txt")
    run.engine(process).run()
    report = run.report()
    assert run.statuses() == {
        "a.png": "denoised",
        "broken.png": "refused",
        "full.png": "failed",
        "text.txt": "refused",
    }
    assert report["counts"] == {"denoised": 1, "refused": 2, "failed": 1}
    assert report["state"] == "complete"
    assert (report["weights_hash"], report["device"], report["settings"]) == ("abc", "cpu", SETTINGS)
    assert datetime.fromisoformat(report["started"]) <= datetime.fromisoformat(report["ended"])
    done, refused, failed, _ = report["scans"]
    assert done["outputs"] == ["a.png"]
    assert done["bytes"] == (run.target / "a.png").stat().st_size
    assert done["source"] == source_digest([run.source / "a.png"])
    assert done["reason"] is None
    assert refused["reason"].startswith("files must be whole")
    assert failed["reason"].startswith("[Errno 28] No space left on device")
    assert done["seconds"] >= 0


def test_while_a_run_goes_on_its_report_tells_what_is_done_and_what_is_to_come(tmp_path: Path) -> None:
    seen = []

    def process(item: Item) -> Item:
        seen.append(run.statuses())
        assert run.report()["state"] == "running"
        assert run.report()["ended"] is None
        return copy(item)

    run = Run(tmp_path, "a.png", "b.png", "c.png")
    run.engine(process).run()
    assert seen[0] == dict.fromkeys(("a.png", "b.png", "c.png"), "pending")


def test_a_long_report_is_written_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write(path: Path, report: dict[str, Any]) -> None:
        clock[0] += 1
        written.append(report["state"])
        path.write_text(json.dumps(report))

    clock = [0.0]
    monkeypatch.setattr(reporter.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(reporter, "write_report", write)

    def process(item: Item) -> Item:
        clock[0] += 1
        return copy(item)

    run = Run(tmp_path, *(f"{index:02}.png" for index in range(45)))
    run.engine(process).run()
    # One second of writing in twenty; a thread that is ahead of the report turns the clock as well.
    assert 2 <= written.count("running") <= 3
    assert written[-1] == "complete"
    assert run.report()["counts"] == {"denoised": 45}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_a_run_that_breaks_off_says_so_and_a_resumed_one_does_the_rest(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    done = []

    def process(item: Item) -> Item:
        if len(done) == 2:
            raise interruption
        done.append(item["outputs"][0])
        return copy(item)

    run = Run(tmp_path, "a.png", "b.png", "c.png", "d.png")
    with pytest.raises(interruption):
        run.engine(process).run()
    assert run.report()["state"] == "interrupted"
    assert list(run.statuses().values()) == ["denoised", "denoised", "pending", "pending"]
    done.clear()
    engine = run.engine(lambda item: done.append(item["outputs"][0]) or copy(item), resume=True)
    engine.run()
    assert [Path(path).name for path in done] == ["c.png", "d.png"]
    assert list(run.statuses().values()) == ["skipped", "skipped", "denoised", "denoised"]
    assert engine.exit_code == 0
    run.engine(resume=True).run()
    assert set(run.statuses().values()) == {"skipped"}


def test_output_is_free_again_after_a_run_however_it_ends(tmp_path: Path) -> None:
    def process(item: Item) -> Item:
        raise KeyboardInterrupt

    run = Run(tmp_path, "a.png")
    with pytest.raises(KeyboardInterrupt):
        run.engine(process).run()
    engine = run.engine()
    engine.run()
    assert engine.exit_code == 0
    assert {path.name for path in run.target.iterdir()} == {"a.png", "run_report.json"}


def test_a_report_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write(path: Path, report: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reporter, "write_report", write)
    run = Run(tmp_path, "a.png")
    with caplog.at_level("INFO", "monai_gan_denoise"):
        run.engine().run()
    assert caplog.records[-1].message == "1 of 1 scans copied, 0 failed."
    assert caplog.records[-2].message == f"[Errno 28] No space left on device [{run.target / 'run_report.json'}]"
    assert (run.target / "a.png").exists()


def test_a_run_that_must_not_write_there_reports_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "a.png")
    run.target = run.source / "inside"
    run.engine().run()
    assert [path.name for path in run.source.iterdir()] == ["a.png"]
