"""MONAI transforms: modality-specific intensity, and the noise that training simulates."""

from monai_gan_denoise.transforms.air import MagnitudeNoise, estimate_magnitude_noise
from monai_gan_denoise.transforms.area_mean import AreaMeand, area_mean
from monai_gan_denoise.transforms.batch import SimulateNoise
from monai_gan_denoise.transforms.dead_leaves import RenderDeadLeavesd, render_dead_leaves
from monai_gan_denoise.transforms.debias import remove_magnitude_bias
from monai_gan_denoise.transforms.distribution import NoiseDistribution
from monai_gan_denoise.transforms.gain import MatchGaind, fit_gain
from monai_gan_denoise.transforms.intensity import NormalizeModalityd, modality_range
from monai_gan_denoise.transforms.low_dose import LowDoseNoised, mix_low_dose_noise
from monai_gan_denoise.transforms.magnitude import RemoveMagnitudeBiasd
from monai_gan_denoise.transforms.neighbors import SyntheticNeighbors
from monai_gan_denoise.transforms.patches import RandPatchesd, StackSlicesd, collate_patches
from monai_gan_denoise.transforms.photographs import PhotographContentd, show_photograph
from monai_gan_denoise.transforms.simulate import RandSimulateNoised
from monai_gan_denoise.transforms.smoothed_target import SmoothTargetd
from monai_gan_denoise.transforms.strength import ApplyStrengthd
from monai_gan_denoise.transforms.structures import RandDiscsd
from monai_gan_denoise.transforms.told_level import TellLevel, local_noise_level
from monai_gan_denoise.transforms.window import RandWindowd

__all__ = [
    "ApplyStrengthd",
    "AreaMeand",
    "LowDoseNoised",
    "MagnitudeNoise",
    "MatchGaind",
    "NoiseDistribution",
    "NormalizeModalityd",
    "PhotographContentd",
    "RandDiscsd",
    "RandPatchesd",
    "RandSimulateNoised",
    "RandWindowd",
    "RemoveMagnitudeBiasd",
    "RenderDeadLeavesd",
    "SimulateNoise",
    "SmoothTargetd",
    "StackSlicesd",
    "SyntheticNeighbors",
    "TellLevel",
    "area_mean",
    "collate_patches",
    "estimate_magnitude_noise",
    "fit_gain",
    "local_noise_level",
    "mix_low_dose_noise",
    "modality_range",
    "remove_magnitude_bias",
    "render_dead_leaves",
    "show_photograph",
]
