"""Claims about the denoiser's ONNX form, with ONNX Runtime as the one who runs it."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Generator

from monai_gan_denoise.networks import GanDenoiser


# torch's exporter calls torch's own deprecated tree functions.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:onnxscript")
@pytest.mark.slow
def test_onnx_equals_eager_at_any_size(tmp_path: Path, rng: Generator) -> None:
    denoiser = GanDenoiser(features=(6, 8, 8, 8), blocks=1, refinement_features=6, refinement_blocks=1).eval()
    torch.nn.init.normal_(denoiser.refinement.head.weight, std=0.3, generator=rng)
    free = torch.export.Dim.DYNAMIC
    torch.onnx.export(
        denoiser,
        (torch.rand((2, 1, 64, 80), generator=rng),),
        tmp_path / "model.onnx",
        input_names=["image"],
        dynamic_shapes=({0: free, 2: free, 3: free},),
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for shape in [(1, 1, 16, 16), (1, 1, 17, 31), (3, 1, 64, 64), (1, 1, 97, 55)]:
        noisy = torch.rand(shape, generator=rng)
        with torch.no_grad():
            expected = denoiser(noisy)
        (output,) = session.run(None, {"image": noisy.numpy()})
        torch.testing.assert_close(torch.from_numpy(output), expected, atol=1e-4, rtol=0)
