"""Images that tests of the ablation share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import phantoms


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a manifest: two images to train on, one for validation, a real pair of OCT."""
    draws = np.random.default_rng(14)
    bscan = phantoms.bscan(64, 80)
    images = {
        "us.png": phantoms.sonogram(64),
        "xr.png": phantoms.chest_radiograph(64),
        "val.png": phantoms.sonogram(64)[:, ::-1],
        "oct_clean.png": bscan,
        "oct_noisy.png": 0.8 * bscan + 0.1 + 0.1 * draws.standard_normal(bscan.shape),
    }
    rows = [
        "file,modality,split,kind,pair",
        "us.png,us,train,clean,",
        "xr.png,xr,train,clean,",
        "val.png,us,val,clean,",
        "oct_clean.png,oct,real_train,real_clean,eye",
        "oct_noisy.png,oct,real_train,real_noisy,eye",
    ]
    folder = tmp_path / "data"
    folder.mkdir()
    for name, image in images.items():
        Image.fromarray(np.rint(255 * image.clip(0, 1)).astype(np.uint8)).save(folder / name)
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder
