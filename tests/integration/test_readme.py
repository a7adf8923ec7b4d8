"""The README's Python, run as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

import monai_gan_denoise

pytestmark = pytest.mark.integration

ROOT = Path(monai_gan_denoise.__file__).parents[1]
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


def block(word: str) -> str:
    (found,) = [text for text in BLOCKS if word in text]
    return found


def output(program: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error::DeprecationWarning:monai_gan_denoise", "-c", program]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_is_tested() -> None:
    assert {block("Denoiser()"), block("GanDenoised")} == set(BLOCKS)


def test_the_pipeline_simulates_noise_and_segments_what_was_denoised(tmp_path: Path) -> None:
    noise, mask = output(block("GanDenoised"), tmp_path).splitlines()
    assert re.match(r"noise: \[\{'law': '(low-dose|gaussian)', 'level': 0\.\d+", noise)
    assert mask == "mask: (1, 128, 128)"


def test_denoiser_takes_a_volume_and_a_path(tmp_path: Path) -> None:
    shutil.copy(str(get_testdata_file("CT_small.dcm", download=False)), tmp_path / "slice.dcm")
    given = "import numpy as np\nvolume = np.random.default_rng(0).normal(0, 50, (32, 24, 2)).astype(np.float32)\n"
    told = 'print(clean.shape)\nassert denoiser.denoise(volume, modality="ct").shape == volume.shape\n'
    assert output(given + block("Denoiser()") + told, tmp_path) == "(128, 128)\n"
