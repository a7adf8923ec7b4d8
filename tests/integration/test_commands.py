"""Whole commands, each in a process of its own, as a user types them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image

import monai_gan_denoise

pytestmark = pytest.mark.integration


def command(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from monai_gan_denoise.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(Path(monai_gan_denoise.__file__).parents[1])}
    words = [*program, *(str(argument) for argument in arguments)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_samples_are_written_denoised_and_reported_without_foreign_noise(tmp_path: Path) -> None:
    done = command(tmp_path, "samples", "new")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "6 samples of 5 modalities are in new.\n"
    shutil.rmtree(tmp_path / "new" / "oct" / "clean")
    (tmp_path / "new" / "us" / "noisy" / "sector.png").write_bytes(b"cut")
    (tmp_path / "new" / "xr" / "noisy" / "flat.png").write_bytes(b"")
    Image.fromarray(np.full((32, 32), 9, np.uint8)).save(tmp_path / "new" / "xr" / "noisy" / "flat.png")
    done = command(tmp_path, "denoise", "new", "out", "--strength", "0.5", "--residual", "--modality", "xray")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 12 + 2, done.stderr  # twelve scans, the constant one's line, the summary
    assert [line for line in lines if " -> " not in line] == [
        f"files must be what their suffix says, got b'cut' at the start of {Path('new/us/noisy/sector.png')}. "
        "Rename it.",
        f"{Path('new/xr/noisy/flat.png')}: 1 of 1 slices are constant and were copied.",
        "11 of 12 scans denoised, 1 failed.",
    ]
    results = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert len([path for path in results if ".residual." in path.name]) == 11
    assert len(results) == 2 * 11 + 1  # and the report
    source, result = (tmp_path / top / "mr" / "noisy" / "example4d.nii.gz" for top in ("new", "out"))
    residual = nibabel.load(result.with_name(f"{result.name}.residual.nii.gz")).get_fdata()
    difference = nibabel.load(source).get_fdata() - nibabel.load(result).get_fdata()
    assert np.abs(difference).max() >= 1
    assert np.abs(difference - residual).max() <= 0.5 + 1e-3
    assert pydicom.dcmread(tmp_path / "out" / "ct" / "noisy" / "CT_small.dcm").ImageType[0] == "DERIVED"


def test_bad_arguments_end_with_2_and_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, "denoise", "in", "out", "--modality", "pet")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    done = command(tmp_path, "denoise", "in", "out", "--weights", "absent.pt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "monai-gan-denoise: weights must be a file, got absent.pt. Check the path.\n"


def test_noise_is_simulated_on_a_tree_without_foreign_noise(tmp_path: Path) -> None:
    assert command(tmp_path, "samples", "new").returncode == 0
    (tmp_path / "new" / "us" / "noisy" / "sector.png").write_bytes(b"cut")
    asked = ("--noise", "gaussian", "--level", "0.1", "--seed", "5")
    done = command(tmp_path, "simulate", "new", "out", *asked)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len([line for line in lines if " -> " in line]) == 11
    assert lines[-1] == "11 of 12 scans made noisy, 1 failed."
    assert len(lines) == 13, done.stderr
    results = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    sources = {path.relative_to(tmp_path / "new") for path in (tmp_path / "new").rglob("*.*") if path.is_file()}
    assert results == sources - {Path("manifest.csv"), Path("us/noisy/sector.png")}
    slices = [pydicom.dcmread(tmp_path / top / "ct" / "clean" / "CT_small.dcm") for top in ("new", "out")]
    assert (slices[1].pixel_array - 1.0 * slices[0].pixel_array).std() == pytest.approx(300, rel=0.1)
    assert slices[1].DerivationDescription.startswith("Simulated noise: gaussian, level 0.1, seed 5.")
    again = command(tmp_path, "simulate", "new/ct", "again/ct", *asked)
    assert again.returncode == 0
    done = command(tmp_path, "simulate", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("law ")
