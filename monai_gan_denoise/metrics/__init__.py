"""Measures that MONAI, Ignite and scikit-image lack: pure functions of NumPy arrays, in the images' own units."""

from monai_gan_denoise.metrics.blocks import Removal, block_shift, noise_removal, plane_deviation, quiet_blocks
from monai_gan_denoise.metrics.detections import count_detections, disc_response
from monai_gan_denoise.metrics.discs import Disc, contrast_kept, disc_profile
from monai_gan_denoise.metrics.edges import edge_preservation, gradient_histogram_distance, gradient_magnitude
from monai_gan_denoise.metrics.inserts import insert_contrast, mean_frequency
from monai_gan_denoise.metrics.psnr import CappedPSNRMetric
from monai_gan_denoise.metrics.residual import residual_correlation
from monai_gan_denoise.metrics.spectrum import noise_power_spectrum, radial_spectrum, spectrum_distance
from monai_gan_denoise.metrics.tissue import TISSUES, tissue_bias

__all__ = [
    "TISSUES",
    "CappedPSNRMetric",
    "Disc",
    "Removal",
    "block_shift",
    "contrast_kept",
    "count_detections",
    "disc_profile",
    "disc_response",
    "edge_preservation",
    "gradient_histogram_distance",
    "gradient_magnitude",
    "insert_contrast",
    "mean_frequency",
    "noise_power_spectrum",
    "noise_removal",
    "plane_deviation",
    "quiet_blocks",
    "radial_spectrum",
    "residual_correlation",
    "spectrum_distance",
    "tissue_bias",
]
