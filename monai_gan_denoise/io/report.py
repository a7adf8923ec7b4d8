"""The run report: what became of each scan, as JSON that programs read and ``--resume`` goes by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypedDict

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.dicom import is_directory
from monai_gan_denoise.io.nrrd_mha.file import detached_files
from monai_gan_denoise.scans.errors import InputError

__all__ = [
    "PROGRAM",
    "REPORT_VERSION",
    "RunReport",
    "RunState",
    "ScanRecord",
    "ScanStatus",
    "earlier_salt",
    "is_tree",
    "read_report",
    "report_file",
    "source_digest",
    "stored_bytes",
    "write_report",
]

REPORT_VERSION = 1  # of the report's form; raised when a reader of the old form would misread the new one
NAME = "run_report.json"
PROGRAM = "monai_gan_denoise"  # what begins the field of that name

RunState = Literal["running", "complete", "interrupted"]  # a run that was killed stays "running"
ScanStatus = Literal["pending", "denoised", "skipped", "left out", "refused", "failed"]


class ScanRecord(TypedDict):
    """One file or series.

    ``source``, ``derivation`` and ``bytes`` speak of the outputs as they are: whatever the status says of this run, an
    earlier one may have written them. They are empty and 0 as long as none has.
    """

    files: list[str]  # relative to the input, in slice order
    outputs: list[str]  # relative to the output; empty if nothing is to be written
    status: (
        ScanStatus  # pending: not reached, or under way when the run was killed; skipped: finished by an earlier run
    )
    reason: str | None  # why it was refused, failed or left out
    modality: str | None
    seconds: float | None  # network and writing
    source: str  # digest of names, sizes and times of the files
    derivation: str  # version, weights, settings and modality that the outputs were made with
    bytes: int  # sum of the outputs' sizes


class RunReport(TypedDict):
    """A run. No field holds anything from a header but a modality."""

    version: int
    program: str  # "monai_gan_denoise", a space, its version
    monai: str
    torch: str
    command: list[str]
    input: str
    output: str
    device: str
    weights: str  # file
    weights_hash: str
    settings: dict[str, Any]
    uid_salt: str  # what DICOM UIDs were derived with besides source and settings; empty unless new ones were asked for
    state: RunState
    started: str  # ISO 8601, with zone
    ended: str | None
    counts: dict[str, int]  # scans of each status
    scans: list[ScanRecord]


def report_file(dataset_dir: str | Path, output_dir: str | Path, report: str | Path | None = None) -> Path | None:
    """Say where a run reports to: ``report`` if that is given, else OUTPUT/run_report.json if INPUT is a tree."""
    if report:
        return Path(report)
    return Path(output_dir) / NAME if is_tree(Path(dataset_dir)) else None


def is_tree(source: Path) -> bool:
    """Tell whether INPUT stands for many files: a folder, or a DICOMDIR."""
    return source.is_dir() or is_directory(source)


def read_report(path: Path) -> RunReport | None:
    """Read a report; None if there is no such file.

    Raises:
        InputError: if the file is anything else, which must not be replaced.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError):
        found = None
    if (
        isinstance(found, dict)
        and str(found.get("program", "")).startswith(PROGRAM)
        and found.get("version") == REPORT_VERSION
    ):
        report: RunReport = found  # type: ignore[assignment]  # written by write_report
        return report
    raise InputError(
        f"report must be a run report of version {REPORT_VERSION} or absent, got another file in {path}. "
        "Move it, or pass another name with --report."
    )


def write_report(path: Path, report: RunReport) -> None:
    """Write a report, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def earlier_salt(dataset_dir: str | Path, output_dir: str | Path, report: str | Path | None, resume: bool) -> str:
    """Give the salt of the run that is resumed, so that unfinished series get the UIDs it had drawn; else none."""
    path = report_file(dataset_dir, output_dir, report) if resume else None
    try:
        found = read_report(path) if path else None
    except InputError:  # which the run says when it takes OUTPUT
        return ""
    return found["uid_salt"] if found else ""


def source_digest(files: Sequence[str | Path]) -> str:
    """Digest names, sizes and times of a scan's files: another digest, another source. Empty if one is missing."""
    digest = sha256()
    try:
        for path in _with_detached(files):
            status = path.stat()
            digest.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    except OSError:
        return ""
    return digest.hexdigest()[:16]


def stored_bytes(files: Sequence[str | Path]) -> int:
    """Sum the sizes of files; -1 if one is missing, as no finished scan's are."""
    try:
        return sum(path.stat().st_size for path in _with_detached(files))
    except OSError:
        return -1


def _with_detached(files: Iterable[str | Path]) -> Iterable[Path]:
    for path in map(Path, files):
        yield path
        yield from detached_files(path)
