"""Peak signal-to-noise ratio that can be averaged, also over images that came back as they were."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics.regression import RegressionMetric
from torch import Tensor

__all__ = ["CappedPSNRMetric"]

CAP = 1e-6  # of the range squared: 60 dB; equal images, of infinite PSNR, count as that


class CappedPSNRMetric(RegressionMetric):
    """MONAI's PSNRMetric, with at most 60 dB: ``-10 log10(MSE / max_val^2 + 1e-6)`` of each image.

    A bias-free network returns black for black, and one such patch would make the mean infinite.

    Args:
        max_val: range of the images.
        kwargs: ``reduction`` and ``get_not_nans`` of MONAI's RegressionMetric.
    """

    def __init__(self, max_val: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_val = max_val

    def _compute_metric(self, y_pred: Tensor, y: Tensor) -> Tensor:
        mse = ((y_pred - y) / self.max_val).square().flatten(1).mean(1, keepdim=True)
        return -10 * torch.log10(mse + CAP)
