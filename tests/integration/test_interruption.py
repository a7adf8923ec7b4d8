"""Runs over a folder that are killed, interrupted or out of space, and what is left of them."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
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

import monai_gan_denoise
from monai_gan_denoise.io import OutputClaim, derive

pytestmark = pytest.mark.integration

PATIENCE = 300  # seconds; a run takes one or two where nothing else is going on
PROGRAM = "from monai_gan_denoise.cli import main; main()"
CONFIG = Path(__file__).parents[2] / "bundle" / "configs" / "inference.json"
DATES = ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime")  # of the writing
KILLS, SEED = 10, 20261126
MANY = 60  # images, of which a run is stopped early
SCANS = 11  # of ``source``
# The libraries are loaded once: each line of input forks a run of the command line, whose end is a line of output.
SERVER = """
import json, os, resource, signal, sys
from monai_gan_denoise import Denoiser
from monai_gan_denoise.cli import main
Denoiser(device="cpu")
print("ready", flush=True)
for line in sys.stdin:
    arguments, told, limit = json.loads(line)
    process = os.fork()
    if not process:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        main(arguments)  # which exits
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(monai_gan_denoise.__file__).parents[1])}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six PNG, three volumes, a series of six slices in a folder of its own and one of four among the others."""
    noise = np.random.default_rng(SEED)
    folder = tmp_path_factory.mktemp("data") / "in"
    (folder / "deep" / "series").mkdir(parents=True)
    for index in range(6):
        Image.fromarray(noise.integers(0, 256, (48, 40), np.uint8)).save(folder / f"{index}.png")
    for index in range(3):
        values = noise.integers(0, 1000, (24, 20, 4)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 3, 1])), folder / "deep" / f"v{index}.nii.gz")
    for place, count in ((folder / "deep" / "series", 6), (folder, 4)):
        uid = generate_uid(entropy_srcs=[place.name])
        for index in range(count):
            dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
            dataset.SeriesInstanceUID, dataset.InstanceNumber = uid, index + 1
            dataset.SOPInstanceUID = generate_uid(entropy_srcs=[uid, str(index)])
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.ImagePositionPatient[2] += 3 * index
            dataset.save_as(place / f"s{index}.dcm")
    return folder


class Server:
    """Forks runs of the command line off a process that has loaded the libraries.

    Args:
        folder: for what the runs say.
    """

    def __init__(self, folder: Path) -> None:
        self.told = folder / "told.txt"
        environment = {**os.environ, **ENVIRONMENT}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._read()

    def start(self, source: Path, target: Path, *options: str, limit: int = 0) -> int:
        """Start a run, none of whose files may pass a limit of bytes, if one is given; its process."""
        assert self.process.stdin is not None
        arguments = ["denoise", str(source), str(target), "--modality", "us", "--device", "cpu", *options]
        self.process.stdin.write(json.dumps([arguments, str(self.told), limit]) + "\n")
        self.process.stdin.flush()
        process = int(self._read())
        assert process > 1, "a test that failed before has left its run's end unread"
        return process

    def end(self) -> tuple[int, list[str]]:
        """Wait for the run to end; its exit code, negative for a signal, and the lines it said."""
        code = int(self._read())
        return code, self.told.read_text().splitlines()

    def run(self, source: Path, target: Path, *options: str, limit: int = 0) -> tuple[int, list[str]]:
        """Run to the end."""
        self.start(source, target, *options, limit=limit)
        return self.end()

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of runs, ended with the tests."""
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    one.process.kill()
    one.process.communicate()


@pytest.fixture(scope="module")
def whole(server: Server, source: Path) -> Path:
    """The outputs of a run that nothing stopped."""
    target = source.with_name("whole")
    code, told = server.run(source, target)
    assert code == 0, told
    return target


def files(folder: Path) -> set[str]:
    """List what lies below a folder; what a run removes meanwhile is passed over, which rglob does not do."""
    places = ((Path(place), names) for place, _, names in os.walk(folder))
    return {(place / name).relative_to(folder).as_posix() for place, names in places for name in names}


def results(target: Path, whole: Path) -> set[str]:
    """List what has a result's name."""
    return files(target) & files(whole) - {"run_report.json"}


def temporary(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".partial-" in path.name or path.name.endswith(".lock")]


def assert_equal(one: Path, other: Path) -> None:
    """Compare two outputs byte by byte; of DICOM every element but the time of writing."""
    if one.suffix != ".dcm":
        assert one.read_bytes() == other.read_bytes(), one
        return
    first, second = (pydicom.dcmread(path) for path in (one, other))
    for keyword in DATES:
        for dataset in (first, second):
            dataset.pop(keyword, None)
    assert first == second, one
    assert first.file_meta == second.file_meta, one


def assert_whole(target: Path, whole: Path) -> None:
    """Compare whatever has a result's name with that result."""
    for name in results(target, whole):
        assert_equal(target / name, whole / name)


def many(source: Path, folder: Path) -> Path:
    """A folder that takes a while: one image under many names."""
    folder.mkdir()
    for index in range(MANY):
        shutil.copyfile(source / "0.png", folder / f"{index:03}.png")
    return folder


def stop(process: int, target: Path, how: int) -> None:
    """Send a signal to a run whose first results are there."""
    deadline = time.monotonic() + PATIENCE
    while len(list(target.glob("*.png"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process, how)


def report_of(target: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((target / "run_report.json").read_text())
    return report


def assert_all_done(images: Path, target: Path) -> None:
    assert files(target) == files(images) | {"run_report.json"}
    assert not temporary(target)
    first = (target / "000.png").read_bytes()
    assert all((target / name).read_bytes() == first for name in files(images))


def test_runs_killed_at_random_moments_and_resumed_end_with_the_same_outputs(
    server: Server, source: Path, whole: Path, tmp_path: Path
) -> None:
    moments = random.Random(SEED)
    killed, done = 0, []
    for index in range(KILLS):
        target = tmp_path / str(index)
        process = server.start(source, target)
        deadline, reached = time.monotonic() + PATIENCE, moments.randrange(len(files(whole)))
        while len(results(target, whole)) < reached and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(process, signal.SIGKILL)  # one that has ended is kept until the server has asked how
        killed += server.end()[0] == -signal.SIGKILL
        assert_whole(target, whole)
        done.append(len(results(target, whole)))
        code, told = server.run(source, target, "--resume")
        assert code == 0, told
        assert files(target) == files(whole)
        assert not temporary(target)
        assert_whole(target, whole)
        counts = report_of(target)["counts"]
        assert sum(counts.values()) == SCANS
        assert counts.keys() <= {"denoised", "skipped"}
    assert killed >= KILLS - 2, "a busy machine may let one end first"
    assert len(set(done)) > 3, f"kills must meet the run at several stages, got {done} outputs"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_in_one_line_and_it_goes_on(server: Server, source: Path, tmp_path: Path, how: int) -> None:
    images, target = many(source, tmp_path / "in"), tmp_path / "out"
    stop(server.start(images, target), target, how)
    code, told = server.end()
    report = report_of(target)
    done = report["counts"].get("denoised", 0)
    assert code == 128 + how
    assert [line for line in told if " -> " not in line] == [told[-1]]
    assert told[-1].startswith(f"Interrupted after {done} of {MANY} scans; ")
    assert report["state"] == "interrupted"
    assert report["counts"]["pending"] > 0
    assert not temporary(target)
    code, told = server.run(images, target, "--resume")
    assert code == 0
    earlier = f" ({done} of them earlier)" if done else ""
    assert told[-1] == f"{MANY} of {MANY} scans denoised{earlier}, 0 failed."
    assert_all_done(images, target)


def test_a_command_that_is_killed_is_resumed_by_the_bundles(source: Path, tmp_path: Path) -> None:
    images, target = many(source, tmp_path / "in"), tmp_path / "out"
    environment = {**os.environ, **ENVIRONMENT}
    command = [sys.executable, "-c", PROGRAM, "denoise", str(images), str(target), "--modality", "us"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    stop(process.pid, target, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    report = report_of(target)
    assert report["state"] == "running"
    assert report["counts"]["pending"] > 0
    settings = ("--config_file", CONFIG, "--dataset_dir", images, "--output_dir", target, "--modality", "us")
    bundle = [sys.executable, "-m", "monai.bundle", "run", *map(str, settings), "--resume", "true"]
    again = subprocess.run(bundle, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    counts = report_of(target)["counts"]
    assert counts.get("skipped", 0) == report["counts"].get("denoised", 0)
    assert_all_done(images, target)


def test_a_signal_ends_the_bundles_command_without_a_traceback(source: Path, tmp_path: Path) -> None:
    images, target = many(source, tmp_path / "in"), tmp_path / "out"
    settings = ("--config_file", CONFIG, "--dataset_dir", images, "--output_dir", target, "--modality", "us")
    command = [sys.executable, "-m", "monai.bundle", "run", *map(str, settings)]
    environment = {**os.environ, **ENVIRONMENT}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    stop(process.pid, target, signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert "Traceback" not in told
    assert not temporary(target)


def test_a_second_run_into_a_folder_in_use_ends_in_one_line(server: Server, source: Path, tmp_path: Path) -> None:
    images, target = many(source, tmp_path / "in"), tmp_path / "out"
    claim = OutputClaim(images, target, None, derive("", 1, 1))
    assert claim.take() is None
    code, told = server.run(images, target)
    assert code == 2
    assert told[0] == f"OUTPUT must be of one run at a time, got {target}, in use. Wait, or name another folder."
    assert told[1:] == ["0 of 1 scans denoised, 1 failed."]
    claim.release()
    assert not files(target)


def test_what_does_not_fit_on_the_disk_fails_alone(server: Server, source: Path, tmp_path: Path) -> None:
    """The volume is larger than a file may be here, which ends a write as a full disk does."""
    images, target = tmp_path / "in", tmp_path / "out"
    images.mkdir()
    for name in ("0.png", "1.png"):
        shutil.copyfile(source / name, images / name)
    noise = np.random.default_rng(1).normal(100, 10, (64, 64, 8)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(noise, np.eye(4)), images / "0.nii")
    code, told = server.run(images, target, limit=60_000)
    assert code == 1
    (line,) = [line for line in told if "0.nii" in line]
    assert "File too large" in line
    assert files(target) == {"0.png", "1.png", "run_report.json"}
    assert not temporary(target)
    assert report_of(target)["counts"] == {"failed": 1, "denoised": 2}
    code, told = server.run(images, target, "--resume")
    assert (code, told[-1]) == (0, "3 of 3 scans denoised (2 of them earlier), 0 failed.")
