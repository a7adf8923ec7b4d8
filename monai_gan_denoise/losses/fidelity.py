"""Fidelity of every stage of the denoiser to the clean image, in decibels, so that no noise level drowns another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["StagedFidelityLoss"]

ERROR_FLOOR = 1e-6  # squared network units: an image within 60 dB of the clean one is as good as clean
LEVEL_FLOOR = 0.01  # network units: below it an error of the noise-level map counts absolutely, above it relatively
LEVEL_WINDOW = 9  # pixels: the neighborhood whose deviation is called the local noise level


class StagedFidelityLoss(nn.Module):
    """Weighted sum of three terms: the refined image, the coarse image (deep supervision), the noise-level map.

    The image terms are the mean over images of ``log(MSE + 1e-6) / 2``: a decibel gained weighs the same at every noise
    level. The map is compared with the root mean square of ``noisy - label`` in a window of 9 pixels.

    Args:
        coarse_weight: weight of the coarse image's term; the refined image has weight 1.
        level_weight: weight of the noise-level map's term.

    Reference: Chen et al., "HINet", CVPR Workshops 2021 (PSNR as the loss).
    """

    def __init__(self, coarse_weight: float = 0.5, level_weight: float = 0.1) -> None:
        super().__init__()
        self.coarse_weight = coarse_weight
        self.level_weight = level_weight

    def forward(self, stages: tuple[Tensor, Tensor, Tensor, Tensor], label: Tensor) -> Tensor:
        """Compare the stages with the clean image.

        Args:
            stages: refined image, coarse image, noise-level map and noisy image, each ``(B, C, H, W)``.
            label: the clean image, same shape.

        Returns:
            A scalar.
        """
        refined, coarse, level, noisy = stages
        fidelity = _log_error(refined, label) + self.coarse_weight * _log_error(coarse, label)
        truth = _local_level(noisy - label)
        return fidelity + self.level_weight * ((level - truth).abs() / (truth + LEVEL_FLOOR)).mean()


def _log_error(estimate: Tensor, label: Tensor) -> Tensor:
    return torch.log((estimate - label).square().flatten(1).mean(1) + ERROR_FLOOR).mean() / 2


def _local_level(noise: Tensor) -> Tensor:
    pool = nn.functional.avg_pool2d
    return pool(noise.square(), LEVEL_WINDOW, 1, LEVEL_WINDOW // 2, count_include_pad=False).sqrt()
