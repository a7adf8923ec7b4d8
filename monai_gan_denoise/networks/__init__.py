"""The three convolutional networks, the denoiser that two of them form, and networks that it is compared with."""

from monai_gan_denoise.networks.denoiser import GanDenoiser, TwoStageDenoiser
from monai_gan_denoise.networks.discriminator import Discriminator
from monai_gan_denoise.networks.dncnn import DnCNN
from monai_gan_denoise.networks.fusion import NeighborFusion
from monai_gan_denoise.networks.generator import Generator
from monai_gan_denoise.networks.noise_level import NoiseLevelEstimator
from monai_gan_denoise.networks.plain import PlainDiscriminator, PlainGenerator, PlainRefinement
from monai_gan_denoise.networks.refinement import NoRefinement, Refinement
from monai_gan_denoise.networks.staged import Staged
from monai_gan_denoise.networks.weights import (
    WeightsError,
    default_perception,
    fidelity_file,
    interpolate_weights,
    load_weights,
    weights_hash,
)

__all__ = [
    "Discriminator",
    "DnCNN",
    "GanDenoiser",
    "Generator",
    "NeighborFusion",
    "NoRefinement",
    "NoiseLevelEstimator",
    "PlainDiscriminator",
    "PlainGenerator",
    "PlainRefinement",
    "Refinement",
    "Staged",
    "TwoStageDenoiser",
    "WeightsError",
    "default_perception",
    "fidelity_file",
    "interpolate_weights",
    "load_weights",
    "weights_hash",
]
