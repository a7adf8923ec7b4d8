"""The noise that detectors make: a pure function for each physical law, and a table of them by name.

Images are ``(..., H, W)`` in network units (0 is the range's lower end, 1 its upper); the last two axes are a
slice. A level is a number, or a tensor that broadcasts against the image, such as ``(B, 1, 1, 1)``.
"""

from monai_gan_denoise.transforms.noise.additive import (
    add_gaussian_noise,
    add_varying_gaussian_noise,
    noise_level_map,
)
from monai_gan_denoise.transforms.noise.archive import add_jpeg_artifacts, quantize
from monai_gan_denoise.transforms.noise.colored import add_colored_noise
from monai_gan_denoise.transforms.noise.expectation import magnitude_mean
from monai_gan_denoise.transforms.noise.impulses import add_impulse_noise, add_random_impulse_noise
from monai_gan_denoise.transforms.noise.kspace import add_gibbs_ringing, add_kspace_noise, add_kspace_spikes
from monai_gan_denoise.transforms.noise.law import Law
from monai_gan_denoise.transforms.noise.laws import LAWS
from monai_gan_denoise.transforms.noise.magnitude import add_noncentral_chi_noise, add_rician_noise, g_factor_map
from monai_gan_denoise.transforms.noise.mixture import add_detector_mixture, add_in_sequence
from monai_gan_denoise.transforms.noise.multilook import RandomLooks, add_multilook_speckle
from monai_gan_denoise.transforms.noise.photons import add_poisson_gaussian_noise, add_poisson_noise
from monai_gan_denoise.transforms.noise.projection import add_low_dose_noise, check_hounsfield
from monai_gan_denoise.transforms.noise.relative_speckle import add_relative_speckle
from monai_gan_denoise.transforms.noise.speckle import (
    add_oct_speckle,
    add_speckle_noise,
    add_ultrasound_speckle,
    gamma_speckle,
    rayleigh_envelope,
)
from monai_gan_denoise.transforms.noise.spectrum import RandomSpectrum
from monai_gan_denoise.transforms.noise.tomography import Scan
from monai_gan_denoise.transforms.noise.upsampled import add_upsampled_noise
from monai_gan_denoise.transforms.noise.zero_filled import add_zero_filled_noise

__all__ = [
    "LAWS",
    "Law",
    "RandomLooks",
    "RandomSpectrum",
    "Scan",
    "add_colored_noise",
    "add_detector_mixture",
    "add_gaussian_noise",
    "add_gibbs_ringing",
    "add_impulse_noise",
    "add_in_sequence",
    "add_jpeg_artifacts",
    "add_kspace_noise",
    "add_kspace_spikes",
    "add_low_dose_noise",
    "add_multilook_speckle",
    "add_noncentral_chi_noise",
    "add_oct_speckle",
    "add_poisson_gaussian_noise",
    "add_poisson_noise",
    "add_random_impulse_noise",
    "add_relative_speckle",
    "add_rician_noise",
    "add_speckle_noise",
    "add_ultrasound_speckle",
    "add_upsampled_noise",
    "add_varying_gaussian_noise",
    "add_zero_filled_noise",
    "check_hounsfield",
    "g_factor_map",
    "gamma_speckle",
    "magnitude_mean",
    "noise_level_map",
    "quantize",
    "rayleigh_envelope",
]
