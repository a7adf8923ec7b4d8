"""Claims about one variant, trained and measured on phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from monai_gan_denoise.ablation.budget import shorten
from monai_gan_denoise.ablation.trial import CONFIGS, Trial, run_trial, trains_on_pairs
from monai_gan_denoise.ablation.variants import choose_variants
from monai_gan_denoise.networks import GanDenoiser, load_weights

SMALL = {"device": "cpu", "images_per_batch": 2, "patches_per_image": 2, "patch_size": 32, "tensorboard": False}
SMALL |= {"dead_leaves": {"us": 2}, "content_dir": ""}
ALL = {variant.name: variant for variant in choose_variants()}


def trial(name: str, data: Path, weights: Path, real: bool = False, trains: bool = False) -> Trial:
    entries: dict[str, Any] = {**SMALL, **shorten(CONFIGS / "train.json", 12), "dataset_dir": data}
    return Trial(weights.parent, weights, trains, {**entries, **ALL[name].overlay()}, real)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of a refinement that does something."""
    torch.manual_seed(1)
    network = GanDenoiser()
    for layer in (network.refinement.head, network.generator.level_front):
        torch.nn.init.normal_(layer.weight, std=0.5)
    torch.nn.init.normal_(network.estimator.head.weight, std=50)  # so that the bound lets it
    path = tmp_path / "given" / "model.pt"
    path.parent.mkdir()
    torch.save(network.state_dict(), path)
    return path


def test_a_variant_is_trained_and_measured(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mean" / "model.pt"
    figures = run_trial(trial("no-mean", data, path, trains=True))
    assert figures.keys() == {"psnr", "ssim", "seconds"}
    assert load_weights(GanDenoiser(), path)
    assert not list(path.parent.glob("checkpoint*"))


def test_without_refinement_is_what_an_idle_refinement_gives(data: Path, weights: Path) -> None:
    whole, unrefined = (run_trial(trial(name, data, weights)) for name in ("recipe", "no-refinement"))
    state = torch.load(weights)
    state["refinement.head.weight"].zero_()
    torch.save(state, weights)
    idle = run_trial(trial("recipe", data, weights))
    assert unrefined["psnr"] == pytest.approx(idle["psnr"], abs=1e-4)
    assert abs(whole["psnr"] - idle["psnr"]) > 1e-3


def test_the_noisy_side_of_a_real_pair_is_measured_in_its_own_gain(data: Path, weights: Path) -> None:
    figures = run_trial(trial("noisy", data, weights, real=True))
    # Noise of 0.1 between sides that differ by a gain of 0.8 and an offset of 0.1: 20 dB, and 17 dB unmatched.
    assert figures["real_psnr"] == pytest.approx(20, abs=0.5)
    assert 0 < figures["real_ssim"] < 1


def test_only_variants_without_pairs_are_measured_on_them() -> None:
    assert not trains_on_pairs(ALL["white"].overlay())
    assert trains_on_pairs(ALL["no-mean"].overlay())


def test_an_error_goes_into_the_log_and_on(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError):
        run_trial(trial("recipe", data, tmp_path / "absent.pt"))
    assert "weights must be a file" in caplog.text
