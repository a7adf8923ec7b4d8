"""MONAI transforms: modality-specific intensity, and the noise that training simulates."""

from monai_gan_denoise.transforms.intensity import MODALITIES, NormalizeModalityd, modality_range
from monai_gan_denoise.transforms.low_dose import LowDoseNoised, mix_low_dose_noise
from monai_gan_denoise.transforms.simulate import SimulateNoise
from monai_gan_denoise.transforms.strength import ApplyStrengthd

__all__ = [
    "MODALITIES",
    "ApplyStrengthd",
    "LowDoseNoised",
    "NormalizeModalityd",
    "SimulateNoise",
    "mix_low_dose_noise",
    "modality_range",
]
