"""Every law by its name. A new law is one function and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from inspect import Parameter, signature
from typing import Any

from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import CT_RANGE
from monai_gan_denoise.transforms.noise.additive import add_gaussian_noise, add_varying_gaussian_noise
from monai_gan_denoise.transforms.noise.archive import BITS, QUALITY, add_jpeg_artifacts, quantize
from monai_gan_denoise.transforms.noise.colored import SIGNALS, add_colored_noise
from monai_gan_denoise.transforms.noise.impulses import add_impulse_noise, add_random_impulse_noise
from monai_gan_denoise.transforms.noise.kspace import add_gibbs_ringing, add_kspace_noise, add_kspace_spikes
from monai_gan_denoise.transforms.noise.law import Law
from monai_gan_denoise.transforms.noise.magnitude import (
    add_noncentral_chi_noise,
    add_rician_noise,
    noncentral_chi_mean,
    rician_mean,
)
from monai_gan_denoise.transforms.noise.mixture import add_detector_mixture
from monai_gan_denoise.transforms.noise.multilook import DEFAULT_LOOKS, RandomLooks, add_multilook_speckle
from monai_gan_denoise.transforms.noise.photons import add_poisson_gaussian_noise, add_poisson_noise
from monai_gan_denoise.transforms.noise.projection import ELECTRONIC_STD, PHOTONS, add_low_dose_noise, check_hounsfield
from monai_gan_denoise.transforms.noise.relative_speckle import add_relative_speckle
from monai_gan_denoise.transforms.noise.speckle import (
    LOOKS,
    add_oct_speckle,
    add_speckle_noise,
    add_ultrasound_speckle,
)
from monai_gan_denoise.transforms.noise.spectrum import DEFAULT_SPECTRUM, RandomSpectrum
from monai_gan_denoise.transforms.noise.tomography import Scan
from monai_gan_denoise.transforms.noise.upsampled import add_upsampled_noise
from monai_gan_denoise.transforms.noise.zero_filled import add_zero_filled_noise

__all__ = ["LAWS"]

ALL = ("ct", "mr", "xr", "us", "oct")
SPECKLED = ("us", "oct", "ct", "mr", "xr")  # all; those whose detectors have speckle come first
COUNTING = ("xr", "oct", "ct", "mr", "us")  # all; those whose detectors count photons come first
DEVIATION = "the standard deviation, as a fraction of the range"
DOSE = "the dose, as a fraction of the full dose"
FRACTION = "the fraction of pixels replaced"
FULL_COUNTS = 1000.0  # photons at white: noise of 3 % there, what a well-exposed radiograph shows
READOUT = 1.0  # photons; about what the electronics of a flat-panel detector add
LEAST_DOSE = 0.001  # one photon at white, or a thousand at an element


def _poisson(image: Tensor, dose: float | Tensor, rng: Generator, full_counts: float) -> Tensor:
    return add_poisson_noise(image, dose * full_counts, rng)


def _poisson_gaussian(
    image: Tensor, dose: float | Tensor, rng: Generator, full_counts: float, readout: float, offset: float
) -> Tensor:
    gain = 1 / (dose * full_counts)
    return add_poisson_gaussian_noise(image, gain, readout * gain, rng, offset)


def _defaults(draw: Callable[..., Tensor]) -> dict[str, float | int | str]:
    """Read the defaults of a law's own parameters where they are written, in its signature."""
    values = {name: parameter.default for name, parameter in signature(draw).parameters.items()}
    return {name: value for name, value in values.items() if value is not Parameter.empty}


def _colored(image: Tensor, std: float | Tensor, rng: Generator, signal: str, **spectrum: Any) -> Tensor:
    return add_colored_noise(image, std, rng, signal, RandomSpectrum(**spectrum))


def _us_looks(image: Tensor, std: float | Tensor, rng: Generator, **settings: Any) -> Tensor:
    return add_multilook_speckle(image, std, rng, RandomLooks(**settings))


def _low_dose(
    image: Tensor, dose: float | Tensor, rng: Generator, photons: float, electronic_std: float, **scan: Any
) -> Tensor:
    lower, upper = CT_RANGE
    hounsfield = lower + (upper - lower) * image
    noise = add_low_dose_noise(hounsfield, dose, photons, electronic_std, rng, Scan(**scan)) - hounsfield
    return image + noise / (upper - lower)


LAWS: Mapping[str, Law] = {
    law.name: law
    for law in (
        Law("gaussian", add_gaussian_noise, ALL, DEVIATION, (0, 1), (0.04, 0.1, 0.2)),
        Law(
            "gaussian-varying",
            add_varying_gaussian_noise,
            ALL,
            DEVIATION,
            (0, 1),
            (0.04, 0.1, 0.2),
            _defaults(add_varying_gaussian_noise),
        ),
        Law(
            "poisson",
            _poisson,
            COUNTING,
            DOSE,
            (LEAST_DOSE, 1),
            (0.5, 0.1, 0.02),
            {"full_counts": FULL_COUNTS},
            nonnegative=True,
        ),
        Law(
            "poisson-gaussian",
            _poisson_gaussian,
            COUNTING,
            DOSE,
            (LEAST_DOSE, 1),
            (0.5, 0.1, 0.02),
            {"full_counts": FULL_COUNTS, "readout": READOUT, **_defaults(add_poisson_gaussian_noise)},
            nonnegative=True,
        ),
        Law("speckle", add_speckle_noise, ALL, DEVIATION + ", at white", (0, 1), (0.1, 0.25, 0.5)),
        Law(
            "us-speckle",
            add_ultrasound_speckle,
            ("us",),
            DEVIATION,
            (0, 1),
            (0.05, 0.1, 0.2),
            _defaults(add_ultrasound_speckle),
            nonnegative=True,
        ),
        Law(
            "oct-speckle",
            add_oct_speckle,
            ("oct",),
            "the looks, independent intensities averaged",
            LOOKS,
            (16, 4, 1),
            _defaults(add_oct_speckle),
        ),
        Law("impulse", add_impulse_noise, ALL, FRACTION, (0, 1), (0.02, 0.1, 0.25), shown=True),
        Law("impulse-random", add_random_impulse_noise, ALL, FRACTION, (0, 1), (0.02, 0.1, 0.25), shown=True),
        Law(
            "rician",
            add_rician_noise,
            ("mr",),
            DEVIATION,
            (0, 1),
            (0.03, 0.09, 0.2),
            nonnegative=True,
            magnitude=True,
            mean=rician_mean,
        ),
        Law(
            "nc-chi",
            add_noncentral_chi_noise,
            ("mr",),
            DEVIATION + ", in each part of each coil",
            (0, 1),
            (0.02, 0.05, 0.1),
            _defaults(add_noncentral_chi_noise),
            nonnegative=True,
            magnitude=True,
            mean=noncentral_chi_mean,
        ),
        Law(
            "kspace",
            add_kspace_noise,
            ("mr",),
            DEVIATION + ", in each part of the image",
            (0, 1),
            (0.03, 0.09, 0.2),
            _defaults(add_kspace_noise),
            nonnegative=True,
            magnitude=True,
            mean=rician_mean,
        ),
        Law(
            "gibbs",
            add_gibbs_ringing,
            ("mr",),
            "the share of k-space's radius that is cut off",
            (0, 0.9),
            (0.3, 0.5, 0.65),
        ),
        Law(
            "spikes",
            add_kspace_spikes,
            ("mr",),
            DEVIATION + ", of the stripes",
            (0, 1),
            (0.02, 0.05, 0.1),
            _defaults(add_kspace_spikes),
        ),
        Law("quantization", quantize, ("xr", "us"), "the bits a pixel", BITS, (6, 4, 2), shown=True),
        Law(
            "jpeg",
            add_jpeg_artifacts,
            ("xr", "us"),
            "the quality, of the Independent JPEG Group",
            QUALITY,
            (75, 30, 10),
            shown=True,
        ),
        Law(
            "colored",
            _colored,
            ALL,
            DEVIATION + ", times the signal or its root where signal says so",
            (0, 1),
            (0.04, 0.1, 0.2),
            {"signal": SIGNALS[0], **asdict(DEFAULT_SPECTRUM)},
        ),
        Law(
            "upsampled",
            add_upsampled_noise,
            ALL,
            DEVIATION,
            (0, 1),
            (0.04, 0.1, 0.2),
            _defaults(add_upsampled_noise),
        ),
        Law(
            "zero-filled",
            add_zero_filled_noise,
            ("mr",),
            DEVIATION + ", in each part of the image",
            (0, 1),
            (0.03, 0.09, 0.2),
            _defaults(add_zero_filled_noise),
            nonnegative=True,
            magnitude=True,
            mean=rician_mean,
        ),
        Law(
            "us-looks",
            _us_looks,
            ("us", "oct"),
            DEVIATION,
            (0, 1),
            (0.05, 0.1, 0.2),
            asdict(DEFAULT_LOOKS),
            nonnegative=True,
        ),
        Law(
            "looks-linear",
            add_relative_speckle,
            SPECKLED,
            "the standard deviation relative to the signal, 1 over the root of the looks",
            (0, 1),
            (0.25, 0.5, 1.0),
            _defaults(add_relative_speckle),
        ),
        Law(
            "mixture",
            add_detector_mixture,
            ALL,
            "the standard deviation of Poisson noise at white; Gaussian noise of half of it and impulses on a tenth of"
            " it follow",
            (0, 1),
            (0.04, 0.1, 0.2),
            nonnegative=True,
        ),
        Law(
            "low-dose",
            _low_dose,
            ("ct",),
            DOSE,
            (LEAST_DOSE, 1),
            (0.5, 0.25, 0.1),
            {"photons": PHOTONS, "electronic_std": ELECTRONIC_STD, **asdict(Scan())},
            check=check_hounsfield,
        ),
    )
}
