"""Losses, one file per family, and the weighted sum of named terms that a configuration makes of them."""

from monai_gan_denoise.losses.adversarial import AdversarialLoss, FeatureMatchingLoss
from monai_gan_denoise.losses.fidelity import (
    CharbonnierLoss,
    FocalFrequencyLoss,
    GradientLoss,
    LogErrorLoss,
    MeanPreservationLoss,
)
from monai_gan_denoise.losses.structure import MultiScaleSSIMLoss
from monai_gan_denoise.losses.terms import DenoisingLoss, NoiseLevelLoss

__all__ = [
    "AdversarialLoss",
    "CharbonnierLoss",
    "DenoisingLoss",
    "FeatureMatchingLoss",
    "FocalFrequencyLoss",
    "GradientLoss",
    "LogErrorLoss",
    "MeanPreservationLoss",
    "MultiScaleSSIMLoss",
    "NoiseLevelLoss",
]
