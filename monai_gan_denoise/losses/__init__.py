"""Losses, one file per family, and the weighted sum of named terms that a configuration makes of them."""

from monai_gan_denoise.losses.adversarial import AdversarialLoss, FeatureMatchingLoss
from monai_gan_denoise.losses.edges import GradientLoss
from monai_gan_denoise.losses.fidelity import CharbonnierLoss, LogErrorLoss
from monai_gan_denoise.losses.frequency import FocalFrequencyLoss
from monai_gan_denoise.losses.level import NoiseLevelLoss
from monai_gan_denoise.losses.mean import MeanPreservationLoss
from monai_gan_denoise.losses.structure import MultiScaleSSIMLoss
from monai_gan_denoise.losses.terms import DenoisingLoss

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
