"""A small denoiser of random weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator

from monai_gan_denoise.networks import GanDenoiser


@pytest.fixture
def small_denoiser(rng: Generator) -> Callable[..., GanDenoiser]:
    """Two resolutions, random weights everywhere, those that start at zero included: it heeds the level."""

    def make(spatial_dims: int = 2, kernel_size: int = 0) -> GanDenoiser:
        sizes = {"features": (6, 8), "blocks": 1, "refinement_features": 6, "refinement_blocks": 1}
        denoiser = GanDenoiser(spatial_dims, **sizes, kernel_size=kernel_size, level_features=(6, 8))
        for layer in (denoiser.refinement.head, denoiser.refinement.kernels, denoiser.generator.level_front):
            if layer is not None:
                torch.nn.init.normal_(layer.weight, std=0.3, generator=rng)
        return denoiser.eval()

    return make
