"""Every law by its name. A new law is one function and one entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Generator, Tensor

from monai_gan_denoise.transforms.intensity import CT_RANGE
from monai_gan_denoise.transforms.noise.additive import add_gaussian_noise
from monai_gan_denoise.transforms.noise.impulses import add_impulse_noise
from monai_gan_denoise.transforms.noise.law import Law
from monai_gan_denoise.transforms.noise.magnitude import add_rician_noise
from monai_gan_denoise.transforms.noise.photons import add_poisson_noise
from monai_gan_denoise.transforms.noise.projection import ELECTRONIC_STD, PHOTONS, add_low_dose_noise
from monai_gan_denoise.transforms.noise.speckle import add_speckle_noise
from monai_gan_denoise.transforms.noise.tomography import Scan

__all__ = ["LAWS"]

ALL = ("ct", "mr", "xr", "us", "oct")
DEVIATION = "the standard deviation, as a fraction of the range"
DOSE = "the dose, as a fraction of the full dose"
FULL_COUNTS = 1000.0  # photons at white: noise of 3 % there, what a well-exposed radiograph shows


def _poisson(image: Tensor, dose: float | Tensor, rng: Generator, full_counts: float) -> Tensor:
    return add_poisson_noise(image, dose * full_counts, rng)


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
            "poisson",
            _poisson,
            ("xr", "oct", "ct", "mr", "us"),
            DOSE,
            (0.001, 1),
            (0.5, 0.1, 0.02),
            {"full_counts": FULL_COUNTS},
            nonnegative=True,
        ),
        Law("speckle", add_speckle_noise, ALL, DEVIATION + ", at white", (0, 1), (0.1, 0.25, 0.5)),
        Law("impulse", add_impulse_noise, ALL, "the fraction of pixels replaced", (0, 1), (0.02, 0.1, 0.25)),
        Law("rician", add_rician_noise, ("mr",), DEVIATION, (0, 1), (0.03, 0.09, 0.2), nonnegative=True),
        Law(
            "low-dose",
            _low_dose,
            ("ct",),
            DOSE,
            (0.001, 1),
            (0.5, 0.25, 0.1),
            {"photons": PHOTONS, "electronic_std": ELECTRONIC_STD, **asdict(Scan())},
        ),
    )
}
