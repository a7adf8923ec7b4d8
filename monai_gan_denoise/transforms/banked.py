"""Low-dose noise that was simulated beforehand on whole slices, for patches that hold too little of the patient."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["BANKED_LAW", "BANK_KEY", "add_banked_noise", "mixing_weights"]

BANK_KEY = "low_dose_noise"  # item that holds the bank, (K, H, W) in network units, cropped as the image is
BANKED_LAW = "low-dose"


def add_banked_noise(images: Tensor, doses: Tensor, banks: Tensor, weights: Tensor) -> Tensor:
    """Add low-dose noise from a bank, ``y = x + sum_k w_k n_k / sqrt(dose)`` with ``sum_k w_k ** 2 = 1``.

    A mixture of independent fields on the unit sphere has their covariance, so that a few fields make endless others.
    That the noise grows as ``1 / sqrt(dose)`` leaves out photon starvation, which the exact law has.

    Args:
        images: clean, ``(B, 1, H, W)``; not modified.
        doses: fractions of the full dose, ``(B, 1, 1, 1)``.
        banks: independent fields of noise at full dose, ``(B, K, H, W)``, in the units of ``images``.
        weights: ``(B, K)``, as ``mixing_weights`` draws them.

    Returns:
        The noisy images.
    """
    mixed: Tensor = (weights[:, :, None, None] * banks).sum(1, keepdim=True)
    return images + mixed / doses.sqrt()


def mixing_weights(count: int, random: np.random.RandomState) -> Tensor:
    """Draw weights uniformly on the unit sphere, ``(count,)``."""
    weights = torch.from_numpy(random.standard_normal(count)).float()
    unit: Tensor = weights / torch.linalg.vector_norm(weights)
    return unit
