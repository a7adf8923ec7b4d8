"""Claims about a batch of content with little noise, through the transforms of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.transforms import Compose, EnsureTyped, LoadImaged, SpatialPadd
from PIL import Image

from monai_gan_denoise import transforms
from monai_gan_denoise.io import ScanReader, load_training_datalist
from monai_gan_denoise.scans.modality import MODALITIES

PATCH = 32


def preparation() -> Compose:
    """What train.json does to an item, in its order, on smaller images."""
    keys = ["label", "image"]
    steps = [
        LoadImaged(keys, reader=ScanReader, ensure_channel_first=True, allow_missing_keys=True),
        transforms.NormalizeModalityd(keys, allow_missing_keys=True),
        transforms.MatchGaind("label", smoothing=3.0),
        transforms.RenderDeadLeavesd("label", size=(64, 64)),
        transforms.StackSlicesd(keys, allow_missing_keys=True),
        transforms.AreaMeand("label", factors=dict.fromkeys(MODALITIES, 2)),
        transforms.PhotographContentd("label"),
        SpatialPadd(keys, (PATCH, PATCH), mode="symmetric", allow_missing_keys=True),
        transforms.LowDoseNoised("label", photons=(1e5, 1e6)),
        EnsureTyped([*keys, "low_dose_noise"], track_meta=False, allow_missing_keys=True),
        transforms.RandPatchesd(keys, PATCH, 1),
        transforms.RandWindowd(keys, 0.5, (-600, 300), (150, 2500), clip=False),
    ]
    return Compose(steps).set_random_state(0)


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    rows = ["file,modality,split"]
    rng = np.random.default_rng(0)
    for number, modality in enumerate((*MODALITIES, "natural")):
        Image.fromarray(rng.integers(0, 255, (240, 256), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{modality},train")
    (tmp_path / "manifest.csv").write_text("\n".join(row for row in rows if "natural" not in row))
    (tmp_path / "content.csv").write_text("\n".join([rows[0], rows[-1]]))
    return tmp_path


def test_leaves_photographs_and_files_of_all_modalities_make_one_batch(dataset_dir: Path) -> None:
    items = load_training_datalist(
        dataset_dir,
        dead_leaves=dict.fromkeys(MODALITIES, 1),
        content_dir=dataset_dir / "content.csv",
        native=["ct"],
    )
    assert len(items) == 5 + 1 + 5 + 5
    batch = transforms.collate_patches([preparation()(item) for item in items])
    laws = {"all": {"gaussian": {"level": [0.05, 0.1]}}, "ct": {"low-dose": {"level": [0.1, 0.5], "share": 3.0}}}
    noisy, clean = transforms.SimulateNoise(transforms.NoiseDistribution(laws), seed=1)(batch)
    assert noisy.shape == clean.shape == (16, 1, PATCH, PATCH)
    assert noisy.isfinite().all()
    assert ((noisy - clean).flatten(1).std(1) > 0).all()


@pytest.mark.parametrize("kind", ["dead_leaves", "photograph"])
def test_ct_without_file_of_its_own_brings_low_dose_noise(dataset_dir: Path, kind: str) -> None:
    items = load_training_datalist(dataset_dir, dead_leaves={"ct": 1}, content_dir=dataset_dir / "content.csv")
    (item,) = (item for item in items if kind in item and item["modality"] == "ct")
    (patch,) = preparation()(item)
    assert patch["low_dose_noise"].float().std() > 0
    assert torch.equal(patch["low_dose_noise"], preparation()(item)[0]["low_dose_noise"])
