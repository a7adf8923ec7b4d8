"""The foreign laws by their names, as cells of the protocol write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from monai_gan_denoise.benchmark.foreign.looks import add_compressed_envelope, add_linear_looks, add_log_looks
from monai_gan_denoise.benchmark.foreign.magnitude import add_coil_noise, add_zero_filled_noise
from monai_gan_denoise.benchmark.foreign.radiograph import (
    add_archived_noise,
    add_scatter_noise,
    add_scintillator_noise,
)
from monai_gan_denoise.benchmark.foreign.texture import add_backprojected_noise, add_scaled_noise, add_smooth_noise
from monai_gan_denoise.benchmark.foreign.tomography import add_radon_noise
from monai_gan_denoise.transforms.noise import Law, check_hounsfield

__all__ = ["FOREIGN"]

ALL = ("ct", "mr", "xr", "us", "oct")
PREFIX = "foreign-"
DEVIATION = "the standard deviation, as a fraction of the range"
PART = DEVIATION + ", in each part"
PHOTONS = "the photons a pixel at white"
LOOKS = "the looks, independent intensities averaged"

Draw = Callable[..., npt.NDArray[np.float64]]


def _law(name: str, draw: Draw, modalities: tuple[str, ...], meaning: str, *values: Any, **more: Any) -> Law:
    bounds, examples = values
    parameters = {
        key: value.default for key, value in signature(draw).parameters.items() if value.default is not Parameter.empty
    }
    return Law(PREFIX + name, _of_tensors(draw), modalities, meaning, bounds, examples, parameters, **more)


def _of_tensors(draw: Draw) -> Callable[..., Tensor]:
    """Let a law of NumPy's serve where the laws of torch do: image by image, seeded by the generator it is given."""

    def drawn(images: Tensor, level: float, rng: Generator, **parameters: Any) -> Tensor:
        slices = images.reshape(-1, *images.shape[-2:]).double().numpy()
        noisy = []
        for image in slices:
            seed = int(torch.randint(2**62, (), generator=rng))
            noisy.append(draw(image, level, np.random.default_rng(seed), **parameters))
        return torch.from_numpy(np.stack(noisy)).to(images.dtype).reshape(images.shape)

    return drawn


FOREIGN: Mapping[str, Law] = {
    law.name: law
    for law in (
        _law("smooth", add_smooth_noise, ALL, DEVIATION, (0, 1), (0.02, 0.05, 0.1)),
        _law("scaled", add_scaled_noise, ALL, DEVIATION, (0, 1), (0.02, 0.05, 0.1)),
        _law("fbp", add_backprojected_noise, ("ct",), DEVIATION, (0, 1), (0.007, 0.013, 0.03)),
        _law(
            "radon",
            add_radon_noise,
            ("ct",),
            "the photons a ray without a body",
            (1, math.inf),
            (1e6, 1e5, 3e4),
            check=check_hounsfield,
        ),
        _law("looks", add_log_looks, ("us", "oct"), LOOKS, (1, 64), (16, 4, 1), nonnegative=True),
        _law("linear-looks", add_linear_looks, ("oct", "us"), LOOKS, (1, 64), (32, 16, 8), nonnegative=True),
        _law(
            "envelope",
            add_compressed_envelope,
            ("us",),
            "the exponent of the amplitude in the gray map",
            (0.01, 1),
            (0.1, 0.3, 0.5),
            nonnegative=True,
        ),
        _law(
            "zero-filled",
            add_zero_filled_noise,
            ("mr",),
            PART,
            (0, 1),
            (0.02, 0.05, 0.1),
            nonnegative=True,
            magnitude=True,
        ),
        _law(
            "coils",
            add_coil_noise,
            ("mr",),
            PART + " of each coil",
            (0, 1),
            (0.02, 0.05, 0.1),
            nonnegative=True,
            magnitude=True,
        ),
        _law("scintillator", add_scintillator_noise, ("xr",), PHOTONS, (1, math.inf), (1e3, 200, 50), nonnegative=True),
        _law("scatter", add_scatter_noise, ("xr",), PHOTONS, (1, math.inf), (1e3, 300, 100), nonnegative=True),
        _law("archived", add_archived_noise, ("xr", "us"), DEVIATION, (0, 1), (0.02, 0.05, 0.1), shown=True),
    )
}
