"""The training configuration, run on phantoms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.bundle import ConfigWorkflow

from monai_gan_denoise import phantoms
from monai_gan_denoise.io import InputError, balance, load_datalist
from monai_gan_denoise.networks import GanDenoiser, load_weights

TINY = {
    "network_def": {"_target_": "monai_gan_denoise.networks.GanDenoiser", "features": [8, 8], "refinement_features": 8},
    "iterations": 30,
    "warmup": 3,
    "decay_from": 20,
    "epoch_length": 15,
    "images_per_batch": 2,
    "patches_per_image": 2,
    "patch_size": 32,
    "device": "cpu",
}


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


def train(bundle_root: Path, dataset_dir: Path, output_dir: Path, **settings: object) -> ConfigWorkflow:
    workflow = ConfigWorkflow(
        config_file=str(bundle_root / "configs" / "train.json"),
        logging_file=False,
        workflow_type="train",
        dataset_dir=str(dataset_dir),
        output_dir=str(output_dir),
        **{**TINY, **settings},
    )
    workflow.initialize()
    workflow.run()
    return workflow


def test_training_changes_the_weights_and_keeps_them(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    workflow = train(bundle_root, dataset_dir, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "checkpoint_epoch=2.pt", weights_only=True)
    trained = workflow.parser.get_parsed_content("network").state_dict()
    assert all(torch.equal(saved["model"][name], value) for name, value in trained.items())
    # The refinement's last convolution starts at zero: that it moved shows that its loss reached it.
    assert trained["refinement.head.weight"].abs().max() > 0
    torch.save(saved["ema"], tmp_path / "ema.pt")
    network = GanDenoiser(features=(8, 8), refinement_features=8)
    assert load_weights(network, tmp_path / "ema.pt") is network


def test_training_is_repeatable(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    first, second = (train(bundle_root, dataset_dir, tmp_path / name) for name in ("first", "second"))
    states = [run.parser.get_parsed_content("network").state_dict() for run in (first, second)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_training_starts_from_a_checkpoint(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    train(bundle_root, dataset_dir, tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoint_epoch=2.pt"
    settings = {"checkpoint": str(checkpoint), "learning_rate": 0.0}
    workflow = train(bundle_root, dataset_dir, tmp_path / "more", **settings)
    before = torch.load(checkpoint, weights_only=True)["lr_scheduler"]["last_epoch"]
    after = workflow.parser.get_parsed_content("lr_scheduler").state_dict()["last_epoch"]
    assert after == before + TINY["iterations"]


def test_each_modality_is_drawn_as_often_as_any_other(dataset_dir: Path) -> None:
    datalist = load_datalist(dataset_dir, "train")
    weights = dict(zip([Path(item["label"]).stem for item in datalist], balance(datalist), strict=True))
    assert weights == {"x1": 1.0, "u1": 0.5, "u2": 0.5}
    assert balance(datalist, {"us": 2.0}) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("split", ["test", "real_test"])
def test_the_test_images_are_sealed(dataset_dir: Path, split: str) -> None:
    with pytest.raises(InputError, match="split must be train or val"):
        load_datalist(dataset_dir, split)


def test_a_split_without_images_is_refused(dataset_dir: Path) -> None:
    with pytest.raises(InputError, match="split must name rows of the manifest, got 'spare'"):
        load_datalist(dataset_dir, "spare")


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset_dir must hold a manifest\.csv"):
        load_datalist(tmp_path, "train")
