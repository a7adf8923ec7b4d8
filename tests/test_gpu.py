"""Claims that need an accelerator."""

from __future__ import annotations

import numpy as np
import pytest

from monai_gan_denoise import Denoiser, phantoms

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("perception", [0.0, 1.0])
def test_gpu_and_cpu_agree_within_a_thousandth_of_the_range(perception: float) -> None:
    clean = phantoms.chest_radiograph(512)
    noisy = (clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)
    results = [
        Denoiser(device=device, perception=perception).denoise(noisy, modality="xr") for device in ("cpu", "cuda")
    ]
    assert np.abs(results[0] - noisy).max() > 0.05  # something was denoised
    assert np.abs(results[0] - results[1]).max() < 1e-3 * np.ptp(noisy)
