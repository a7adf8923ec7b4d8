"""A small network of random weights, and a cache of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Generator

from monai_gan_denoise.backends import onnx_file
from monai_gan_denoise.networks import GanDenoiser


@pytest.fixture
def network(rng: Generator) -> GanDenoiser:
    network = GanDenoiser(features=(6, 8), blocks=1, refinement_features=6, refinement_blocks=1).eval()
    for layer in (network.refinement.head, network.generator.level_front):
        torch.nn.init.normal_(layer.weight, std=0.3, generator=rng)
    return network


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(onnx_file, "_folder", onnx_file._folder.__wrapped__)
    return tmp_path / "cache" / "monai_gan_denoise"
