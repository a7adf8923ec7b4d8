"""What makes a denoiser acceptable besides PSNR and SSIM, of every output of the benchmark: measures.csv."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.metrics.regression import compute_ms_ssim

from monai_gan_denoise import metrics
from monai_gan_denoise.benchmark.noisy_image import Exposure

__all__ = ["VERSION", "measure"]

VERSION = "acceptance 1"  # changes whenever a measure does, so that no other is taken from the cache
SMALLEST = 176  # pixels a side, from which on MONAI's five scales hold its window of 11


def measure(exposure: Exposure, output: npt.NDArray[Any]) -> dict[str, float]:
    """Measure an output.

    Args:
        exposure: what the method got.
        output: ``(H, W)`` in network units; limited to the range for MS-SSIM, and otherwise as it is.

    Returns:
        By name, those that have a meaning for the image:

        * ``ms_ssim``: MONAI's, of images of at least 176 pixels each way.
        * ``edge_preservation``, ``residual_correlation``, ``spectrum_distance`` in dB.
        * ``gradient_distance``: in the modality's units per pixel.
        * ``bias_<tissue>``: in HU, of CT in HU.
    """
    result, noisy = output.astype(np.float64), exposure.noisy.astype(np.float64)
    found = {
        "edge_preservation": metrics.edge_preservation(exposure.clean, result),
        "residual_correlation": metrics.residual_correlation(exposure.clean, result, noisy),
        "spectrum_distance": metrics.spectrum_distance(exposure.clean, result),
        "gradient_distance": metrics.gradient_histogram_distance(exposure.clean, result) * exposure.width,
    }
    if min(result.shape) >= SMALLEST:
        pred, clean = (torch.as_tensor(image)[None, None] for image in (np.clip(result, 0, 1), exposure.clean))
        found["ms_ssim"] = float(compute_ms_ssim(pred, clean, spatial_dims=2, data_range=1.0))
    if exposure.modality == "ct" and exposure.bits is None:
        hu = (image * exposure.width + exposure.lower for image in (exposure.clean, result))
        found |= {f"bias_{tissue}": value for tissue, value in metrics.tissue_bias(*hu).items()}
    return {name: value for name, value in found.items() if not math.isnan(value)}
