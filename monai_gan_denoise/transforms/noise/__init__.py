"""The noise that detectors make: a pure function for each physical law, and a table of them by name.

Images are ``(..., H, W)`` in network units (0 is the range's lower end, 1 its upper); the last two axes are a
slice. A level is a number, or a tensor that broadcasts against the image, such as ``(B, 1, 1, 1)``.
"""

from monai_gan_denoise.transforms.noise.additive import add_gaussian_noise
from monai_gan_denoise.transforms.noise.impulses import add_impulse_noise
from monai_gan_denoise.transforms.noise.law import Law
from monai_gan_denoise.transforms.noise.laws import LAWS
from monai_gan_denoise.transforms.noise.magnitude import add_rician_noise
from monai_gan_denoise.transforms.noise.photons import add_poisson_noise
from monai_gan_denoise.transforms.noise.projection import add_low_dose_noise, check_hounsfield
from monai_gan_denoise.transforms.noise.speckle import add_speckle_noise
from monai_gan_denoise.transforms.noise.tomography import Scan

__all__ = [
    "LAWS",
    "Law",
    "Scan",
    "add_gaussian_noise",
    "add_impulse_noise",
    "add_low_dose_noise",
    "add_poisson_noise",
    "add_rician_noise",
    "add_speckle_noise",
    "check_hounsfield",
]
