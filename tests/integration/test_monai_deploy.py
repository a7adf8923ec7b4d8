"""The MONAI Deploy application by the real SDK, in an environment of its own, against the command line."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid

import monai_gan_denoise
from monai_gan_denoise import Denoiser

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the SDK has packages for Linux only"),
]

ROOT = Path(monai_gan_denoise.__file__).parents[1]
REQUIREMENTS = ROOT / "monai_gan_denoise" / "integrations" / "monai_deploy" / "requirements.txt"
STUDY = generate_uid(entropy_srcs=["study"])
INSTALL_LIMIT, RUN_LIMIT = 900, 300  # seconds


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python with the SDK; torch and all that is installed here already is not downloaded again."""
    folder = tmp_path_factory.mktemp("deploy") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=INSTALL_LIMIT)
    program = folder / "bin" / "python"
    pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The SDK's modules lie in monai's folder, so that monai has to be installed beside it.
    monai = f"monai=={importlib.metadata.version('monai')}"
    subprocess.run([*pip, "--no-deps", monai], check=True, timeout=INSTALL_LIMIT)
    (own,) = folder.glob("lib/python*/site-packages")
    running = sysconfig.get_path("purelib")
    # Named to come before holoscan's file, which needs what is there.
    (own / "00_running.pth").write_text(f"import site; site.addsitedir({running!r})\n", encoding="utf-8")
    subprocess.run([*pip, "-r", REQUIREMENTS], check=True, timeout=INSTALL_LIMIT)
    return program


def run(program: Path | str, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(program), *map(str, words)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=RUN_LIMIT
    )


def deploy(program: Path, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return run(program, folder, "-m", "monai_gan_denoise.integrations.monai_deploy", *words)


def write_slice(path: Path, kind: str, series: str, number: int, place: float, **elements: Any) -> Path:
    """One of pydicom's slices with other noise, place and identity."""
    dataset = pydicom.dcmread(str(get_testdata_file(f"{kind}_small.dcm", download=False)))
    pixels = dataset.pixel_array
    noise = np.random.default_rng(number).integers(0, 40, pixels.shape)
    dataset.PixelData = (pixels // 2 + noise).astype(pixels.dtype).tobytes()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, generate_uid(entropy_srcs=[series])
    uid = generate_uid(entropy_srcs=[series, str(number)])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.InstanceNumber, dataset.ImagePositionPatient = number, [0, 0, place]
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path


def write_report(path: Path) -> None:
    """A structured report: DICOM without an image."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = BasicTextSRStorage, generate_uid(entropy_srcs=["report"])
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, generate_uid(entropy_srcs=["sr"])
    dataset.Modality, dataset.PatientID, dataset.InstanceNumber = "SR", "1", 1
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True)
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three CT slices, two places of an MR at two times, a PET slice, a report and a note."""
    folder = tmp_path_factory.mktemp("study") / "in"
    for number in range(3):
        write_slice(folder / "ct" / f"{number}.dcm", "CT", "ct", number, 5.0 * number)
    for number in range(4):  # of one place the SDK's loader keeps one time
        write_slice(folder / "mr" / f"{number}.dcm", "MR", "mr", number, 5.0 * (number // 2))
    write_slice(folder / "pt" / "0.dcm", "CT", "pt", 0, 0.0, Modality="PT")
    write_report(folder / "sr" / "report.dcm")
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(python: Path, study: Path) -> subprocess.CompletedProcess[str]:
    return deploy(python, study.parent, "-i", "in", "-o", "out", "-m", ROOT / "bundle")


def results(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_every_image_series_is_denoised_and_the_others_are_passed_over_with_a_line(
    done: subprocess.CompletedProcess[str], study: Path
) -> None:
    assert done.returncode == 0, done.stderr
    expected = [Path("ct") / f"{number}.dcm" for number in range(3)]
    expected += [Path("mr") / f"{number}.dcm" for number in range(4)]
    assert results(study.parent / "out") == expected
    lines = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines if "->" in line] == ["in/ct/0.dcm", "in/mr/0.dcm"]
    passed_over = [line for line in lines if "passed over" in line]
    assert len(passed_over) == 3
    for word in ("Modality PT", "Modality SR", "notes.txt"):
        assert any(word in line for line in passed_over), word
    assert len(lines) == 5 + 1, done.stderr  # and that the MR has two slices at each place
    assert done.stdout == ""


def test_the_derived_series_is_that_of_the_command_line(
    done: subprocess.CompletedProcess[str], study: Path, tmp_path: Path
) -> None:
    assert done.returncode == 0, done.stderr
    cli = run(sys.executable, tmp_path, "-c", "from monai_gan_denoise.cli import main; main()", "denoise", study, "out")
    assert cli.returncode == 1  # it refuses the PET slice, whose modality it cannot know
    for path in results(study.parent / "out"):
        ours, theirs = (pydicom.dcmread(folder / "out" / path) for folder in (tmp_path, study.parent))
        assert ours.PixelData == theirs.PixelData
        source = pydicom.dcmread(study / path)
        assert source.PixelData != theirs.PixelData
        for dataset in (ours, theirs):  # when it was made is all that may differ
            for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"):
                dataset.pop(keyword, None)
        assert ours == theirs


def test_dciodvfy_finds_no_new_error(
    errors: Callable[[Path], Counter[str]], done: subprocess.CompletedProcess[str], study: Path
) -> None:
    assert done.returncode == 0, done.stderr
    for path in results(study.parent / "out"):
        assert errors(study.parent / "out" / path) - errors(study / path) == Counter()


def test_a_damaged_study_loses_nothing_but_the_damaged_files(python: Path, study: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    shutil.copytree(study / "ct", source / "ct")
    shutil.copytree(study / "mr", source / "mr")
    cut = source / "ct" / "1.dcm"
    cut.write_bytes(cut.read_bytes()[:-1000])
    (source / "ct" / "2.dcm").write_bytes(cut.read_bytes()[:200])
    (source / "junk.dcm").write_bytes(b"no DICOM" * 100)
    before = {path: (source / path).read_bytes() for path in results(source)}
    done = deploy(python, tmp_path, "-i", "in", "-o", "out", "-m", ROOT / "bundle")
    assert done.returncode == 1, done.stderr
    assert results(tmp_path / "out") == [Path("ct/0.dcm"), *(Path("mr") / f"{number}.dcm" for number in range(4))]
    assert {path: (source / path).read_bytes() for path in results(source)} == before
    lines = done.stderr.splitlines()
    failures = [line for line in lines if "->" not in line]
    assert len(lines) == 2 + 3 + 1, done.stderr  # and that the MR has two slices at each place
    for name in ("ct/1.dcm", "ct/2.dcm", "junk.dcm"):
        assert len([line for line in failures if name in line]) == 1, done.stderr


def test_a_study_without_one_good_file_ends_in_a_line_and_exit_2(python: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "junk.dcm").write_bytes(b"no DICOM" * 100)
    done = deploy(python, tmp_path, "-i", "in", "-o", "out", "-m", ROOT / "bundle")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "junk.dcm" in line
    assert not (tmp_path / "out").exists()


def test_a_bundle_without_weights_ends_in_a_line_and_exit_2(python: Path, study: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bundle" / "configs", tmp_path / "models" / "denoiser" / "configs")
    done = deploy(python, tmp_path, "-i", study, "-o", "out")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("monai_deploy: weights must be a file, got ")
    assert not (tmp_path / "out").exists()


def test_the_sdks_bundle_operator_on_the_exported_model_gives_what_denoiser_gives(
    python: Path, study: Path, tmp_path: Path
) -> None:
    configs = ROOT / "bundle" / "configs"
    export = run(
        sys.executable,
        tmp_path,
        *("-m", "monai.bundle", "ckpt_export", "network_def"),
        *("--meta_file", configs / "metadata.json", "--config_file", configs / "inference.json"),
        *("--ckpt_file", ROOT / "bundle" / "models" / "model_fidelity.pt", "--filepath", "model.ts"),
        *("--input_shape", "[1,1,64,64]"),
    )
    assert export.returncode == 0, export.stderr
    script = Path(__file__).with_name("deploy_bundle_operator.py")
    done = run(python, tmp_path, script, tmp_path / "model.ts", study / "ct", tmp_path / "values.npz")
    assert done.returncode == 0, done.stderr
    values = np.load(tmp_path / "values.npz")
    assert values["pred"].dtype == np.float32
    expected = Denoiser(device="cpu").denoise(study / "ct")
    np.testing.assert_allclose(values["pred"], np.moveaxis(expected, 2, 0), atol=1e-3)  # HU
    assert np.abs(values["pred"] - values["image"]).max() > 10
