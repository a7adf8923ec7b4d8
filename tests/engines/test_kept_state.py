"""Claims about what is kept of a long training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from monai_gan_denoise.engines import keep_state
from monai_gan_denoise.networks import load_weights

POSITION = {"epoch": 4, "iteration": 1000, "validation": {"best": 31.5}, "settings": {"seed": 3}}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    states = {name: nn.Conv2d(1, 4, 3).state_dict() for name in ("model", "ema")}
    torch.save({**states, "position": POSITION}, tmp_path / "checkpoint_epoch=4.pt")
    return tmp_path / "checkpoint_epoch=4.pt"


def test_the_averaged_weights_are_kept_within_half_precision(checkpoint: Path, tmp_path: Path) -> None:
    kept = keep_state(checkpoint, tmp_path / "state" / "long_run.pt")
    averaged = torch.load(checkpoint, weights_only=True)["ema"]
    network = load_weights(nn.Conv2d(1, 4, 3), kept)  # as --init does
    assert network.weight.dtype == torch.float32
    torch.testing.assert_close(network.state_dict(), averaged, rtol=2**-11, atol=1e-7)


def test_updates_and_settings_stand_beside_the_weights(checkpoint: Path, tmp_path: Path) -> None:
    kept = keep_state(checkpoint, tmp_path / "long_run.pt")
    told = json.loads(kept.with_suffix(".json").read_text())
    assert told == {"updates": 1000, "validation": {"best": 31.5}, "settings": {"seed": 3}}


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(KeyError, match="ema"):
        keep_state(tmp_path / "model.pt", tmp_path / "long_run.pt")
