"""The three convolutional networks, and the denoiser that two of them form."""

from monai_gan_denoise.networks.denoiser import GanDenoiser
from monai_gan_denoise.networks.discriminator import Discriminator
from monai_gan_denoise.networks.generator import Generator
from monai_gan_denoise.networks.refinement import Refinement
from monai_gan_denoise.networks.staged import Staged
from monai_gan_denoise.networks.weights import (
    WeightsError,
    fidelity_file,
    interpolate_weights,
    load_weights,
    weights_hash,
)

__all__ = [
    "Discriminator",
    "GanDenoiser",
    "Generator",
    "Refinement",
    "Staged",
    "WeightsError",
    "fidelity_file",
    "interpolate_weights",
    "load_weights",
    "weights_hash",
]
