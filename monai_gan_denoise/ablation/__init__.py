"""The ablation: what each part of the training recipe buys, by short runs that leave one out."""

from monai_gan_denoise.ablation.ablate import run_ablation

__all__ = ["run_ablation"]
