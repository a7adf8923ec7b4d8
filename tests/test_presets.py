"""The presets, laid over the training configuration and run on phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_gan_denoise import phantoms
from monai_gan_denoise.io import packaged_presets
from monai_gan_denoise.networks import load_weights

TINY = {
    "iterations": 4,
    "warmup": 1,
    "decay_from": 2,
    "adversarial_from": 3,
    "adversarial_warmup": 0,
    "epoch_length": 4,
}
SMALL = {
    "epoch_length": 4,
    "images_per_batch": 2,
    "patches_per_image": 2,
    "patch_size": 32,
    "device": "cpu",
    "tensorboard": False,
    "dead_leaves": {},
    "content_dir": "",
}
MEGABYTE = 2**20


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    for number in range(4):
        path = tmp_path / "data" / "us" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(sitk.GetImageFromArray((255 * phantoms.sonogram(64)).astype(np.uint8)), str(path))
    return tmp_path / "data"


def run(bundle_root: Path, preset: str, dataset_dir: Path, output_dir: Path) -> ConfigWorkflow:
    files = [bundle_root / "configs" / "train.json", packaged_presets() / f"{preset}.yaml"]
    paths = {"dataset_dir": str(dataset_dir), "output_dir": str(output_dir)}
    settings: dict[str, Any] = {"logging_file": False, "workflow_type": "train", **TINY, **SMALL, **paths}
    workflow = ConfigWorkflow(config_file=[str(file) for file in files], **settings)
    workflow.initialize()
    workflow.run()
    return workflow


@pytest.mark.parametrize(
    ("preset", "terms"),
    [
        ("dcgan", {"l1", "adversarial", "features", "d_loss"}),
        ("dncnn", {"mse"}),
        ("single", {"log_error", "charbonnier", "ms_ssim", "gradient", "mean", "frequency", "coarse", "level"}),
    ],
)
def test_a_preset_trains_with_its_losses_and_leaves_weights_that_load(
    bundle_root: Path, preset: str, terms: set[str], dataset_dir: Path, tmp_path: Path
) -> None:
    workflow = run(bundle_root, preset, dataset_dir, tmp_path / "run")
    output = workflow.parser.get_parsed_content("train#trainer").state.output
    assert terms <= set(output["terms"])
    if preset != "single":
        assert set(output["terms"]) == terms
    weights = tmp_path / "run" / "model.pt"
    assert weights.stat().st_size < (8 if preset == "single" else 5) * MEGABYTE
    parser = ConfigParser(ConfigParser.load_config_file(packaged_presets() / f"{preset}.yaml"))
    network = load_weights(parser.get_parsed_content("network_def"), weights)
    noisy = torch.rand((1, 1, 40, 40))
    with torch.no_grad():
        expected = workflow.parser.get_parsed_content("ema").ema_model.eval()(noisy)
        torch.testing.assert_close(network(noisy), expected)
