"""Before and after, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from monai_gan_denoise.engines import BeforeAfterFigures
from monai_gan_denoise.engines.figures import _range, _save, _score
from monai_gan_denoise.scans.slices import middle_slice

rng = np.random.default_rng(5)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two clean and noisy pairs of one modality, and an image that no clean one belongs to."""
    rows = ["file,modality,kind,pair"]
    for pair in ("one", "two"):
        clean = np.tile(np.linspace(0, 255, 64), (48, 1))
        for kind, image in (("clean", clean), ("noisy", np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255))):
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"{pair}_{kind}.png")
            rows.append(f"{pair}_{kind}.png,us,{kind},{pair}")
    (tmp_path / "manifest.csv").write_text("\n".join([*rows, "alone.png,oct,noisy,three"]))
    return tmp_path


def finished(path: Path, modality: str) -> dict[str, Any]:
    image = torch.as_tensor(np.asarray(Image.open(path)).astype(np.float32))[None]
    removed = MetaTensor(image * 0.1, meta={"files": [str(path)]})
    return {"removed": removed, "pred": image * 0.9, "modality": modality}


def test_the_first_pair_of_a_modality_is_drawn_once_and_others_are_not(pairs: Path, tmp_path: Path) -> None:
    items = [
        {"image": [str(pairs / "one_noisy.png")], "refusal": "x must be whole."},
        finished(pairs / "two_noisy.png", "us"),
        finished(pairs / "one_noisy.png", "us"),
        {**finished(pairs / "one_clean.png", "mr")},
    ]
    engine = Engine(lambda engine, item: item)
    BeforeAfterFigures(pairs, tmp_path / "out").attach(engine)
    engine.run(items[:2])
    first = (tmp_path / "out" / "us.png").read_bytes()
    engine.run(items)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["us.png"]
    assert (tmp_path / "out" / "us.png").read_bytes() == first


def test_the_panels_show_four_different_things(pairs: Path, tmp_path: Path) -> None:
    engine = Engine(lambda engine, item: item)
    BeforeAfterFigures(pairs, tmp_path / "out").attach(engine)
    engine.run([finished(pairs / "one_noisy.png", "us")])
    picture = np.asarray(Image.open(tmp_path / "out" / "us.png").convert("L")).astype(float)
    height, width = picture.shape
    assert (width, height) == (1280, 368)
    panels = np.split(picture[height // 3 :], 4, axis=1)
    differences = [np.abs(panels[i] - panels[j]).mean() for i in range(4) for j in range(i)]
    assert min(differences) > 1


def test_the_heading_stands_clear_of_the_titles_of_square_panels(tmp_path: Path) -> None:
    _save(tmp_path / "a.png", [rng.normal(size=(64, 64))] * 3, (-1024, 1976), "ct")
    inked = np.flatnonzero((np.asarray(Image.open(tmp_path / "a.png").convert("L")) < 128).any(axis=1))
    heading_ends = np.flatnonzero(np.diff(inked) > 3)[0]
    assert inked[heading_ends] - inked[0] < 20  # one line of text


def test_the_figures_of_merit_are_those_of_scikit_image() -> None:
    clean = rng.uniform(0, 255, (64, 64)).astype(np.float32)
    image = (clean + rng.normal(0, 20, clean.shape)).astype(np.float32)
    psnr = peak_signal_noise_ratio(clean, image, data_range=255)
    ssim = structural_similarity(clean, image, data_range=255, gaussian_weights=True, use_sample_covariance=False)
    words = _score(image, clean, 255).replace(",", "").split()
    assert abs(float(words[1]) - psnr) <= 0.051
    assert abs(float(words[4]) - ssim) <= 0.02  # MONAI leaves the borders out


def test_figures_of_merit_refer_to_the_range_of_the_modality() -> None:
    clean = np.array([[3.0, 9.0]], np.float32)
    assert _range(clean, "ct", None) == (-1024, 1976)
    assert _range(clean, "mr", None) == (3, 9)
    assert _range(clean, "us", (0, 255)) == (0, 255)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_middle_slice_of_a_volume_is_shown(axis: int) -> None:
    volume = rng.normal(size=(6, 7, 8, 2)).astype(np.float32)
    index = [slice(None)] * 3
    index[axis] = volume.shape[axis] // 2
    assert np.array_equal(middle_slice(volume, axis), volume[(*index, 0)])
    assert np.array_equal(middle_slice(volume[..., 0, 0], None), volume[..., 0, 0])
