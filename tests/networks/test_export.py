"""Claims about the denoiser's TorchScript form; those about its ONNX form are the backends'."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from monai_gan_denoise.networks import GanDenoiser


@pytest.mark.slow
def test_torchscript_equals_eager_at_any_size(rng: Generator) -> None:
    denoiser = GanDenoiser(features=(6, 8, 8, 8), blocks=1, refinement_features=6, refinement_blocks=1).eval()
    for layer in (denoiser.refinement.head, denoiser.generator.level_front):
        torch.nn.init.normal_(layer.weight, std=0.3, generator=rng)
    script = torch.jit.script(denoiser)
    for shape in [(1, 1, 16, 16), (1, 1, 17, 31), (3, 1, 64, 64), (1, 1, 97, 55)]:
        noisy = torch.rand(shape, generator=rng)
        with torch.no_grad():
            torch.testing.assert_close(script(noisy), denoiser(noisy), atol=1e-4, rtol=0)
