"""Folders of clean, noisy and denoised images that tests of the evaluation share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import phantoms

Save = Callable[[str, np.ndarray], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write an array as PNG or TIFF at a path below the temporary folder."""

    def write(name: str, values: np.ndarray) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
        return path

    return write


@pytest.fixture
def folders(tmp_path: Path, save: Save) -> tuple[Path, Path, Path]:
    """Two images below folders of clean, denoised and noisy ones, with errors of standard deviation 5 and 20."""
    draws = np.random.default_rng(4)
    images = {"a.png": phantoms.sonogram(64), "deep/b.png": phantoms.chest_radiograph(48)}
    for side, level in (("clean", 0), ("pred", 5), ("noisy", 20)):
        for name, image in images.items():
            values = 255 * image + level * draws.standard_normal(image.shape)
            save(f"{side}/{name}", np.clip(np.rint(values), 0, 255).astype(np.uint8))
    return tmp_path / "clean", tmp_path / "pred", tmp_path / "noisy"
