"""Losses, one file per family."""

from monai_gan_denoise.losses.fidelity import StagedFidelityLoss

__all__ = ["StagedFidelityLoss"]
