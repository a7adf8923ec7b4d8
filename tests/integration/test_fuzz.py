"""Two thousand damaged files of every format: each ends as a result or as a refusal in one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

import monai_gan_denoise

pytestmark = pytest.mark.integration

SEED = 20261126
CASES = 2000
LIMIT = 600  # seconds for all of them; they take 30 on one core


@pytest.fixture
def valid_files(tmp_path: Path) -> Path:
    """A small file of every format and of each of its encodings."""
    folder = tmp_path / "valid"
    folder.mkdir()
    numbers = np.random.default_rng(1).integers(0, 4000, (3, 40, 48)).astype(np.int16)
    for name, syntax in {"plain": None, "rle": RLELossless, "j2k": JPEG2000Lossless, "jls": JPEGLSLossless}.items():
        dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
        dataset.Rows, dataset.Columns, dataset.NumberOfFrames = numbers.shape[1], numbers.shape[2], len(numbers)
        dataset.PixelData = numbers.tobytes()
        if syntax:
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(folder / f"{name}.dcm")
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(numbers.T, np.diag([1, 2, 3, 1])), folder / name)
    nibabel.save(nibabel.Nifti2Image(numbers.T.astype(np.float32), np.eye(4)), folder / "b.nii")
    volume = sitk.GetImageFromArray(numbers)
    for suffix in ("nrrd", "mha"):
        for packed in (False, True):
            sitk.WriteImage(volume, str(folder / f"packed{packed:d}.{suffix}"), useCompression=packed)
    Image.fromarray(numbers[0].astype(np.uint8)).save(folder / "gray.png")
    Image.fromarray(numbers[0].astype(np.uint16)).save(folder / "deep.png")
    Image.fromarray(np.moveaxis(numbers, 0, -1).astype(np.uint8)).save(folder / "color.png")
    Image.fromarray(np.moveaxis(numbers, 0, -1).astype(np.uint8)).save(folder / "color.jpg")
    sitk.WriteImage(sitk.Cast(volume, sitk.sitkUInt16), str(folder / "pages.tif"), useCompression=False)
    Image.fromarray(np.moveaxis(numbers, 0, -1).astype(np.uint8)).save(folder / "lzw.tiff", compression="tiff_lzw")
    Image.fromarray(numbers[0].astype(np.float32)).save(folder / "float.tiff", compression="tiff_adobe_deflate")
    return folder


def test_damaged_files_are_read_or_refused_by_name_without_crash_hang_or_memory(
    valid_files: Path, tmp_path: Path
) -> None:
    program, report = Path(__file__).with_name("read_mutants.py"), tmp_path / "report.txt"
    environment = {**os.environ, "PYTHONPATH": str(Path(monai_gan_denoise.__file__).parents[1])}
    words = [sys.executable, program, valid_files, SEED, CASES, report]
    done = subprocess.run(
        list(map(str, words)), env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    lines = report.read_text().splitlines()
    assert done.returncode == 0, f"seed {SEED}: {lines[-1]}\n{done.stderr[-2000:]}"
    assert len(lines) == CASES
    assert not [f"seed {SEED}, {line}" for line in lines if not line.endswith(": ''")]
