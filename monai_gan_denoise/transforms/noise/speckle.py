"""Speckle: the interference of echoes from structure finer than the resolution."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.fields import correlated_normal
from monai_gan_denoise.transforms.noise.gamma import standard_gamma
from monai_gan_denoise.transforms.noise.level import at_least_zero, normal, within

__all__ = [
    "add_oct_speckle",
    "add_speckle_noise",
    "add_ultrasound_speckle",
    "gamma_speckle",
    "rayleigh_envelope",
]

EULER = 0.5772156649015329  # Euler's constant: the logarithm of an exponential variable of mean 1 has mean -EULER
LOG_STD = math.pi / math.sqrt(6)  # and this standard deviation; times 10 / ln(10) it is 5.57 dB
LOOKS = (1.0, 64.0)  # intensities averaged; 64 leave 12 % of the speckle
DECIBEL = 10 / math.log(10)  # dB a neper of intensity


def add_speckle_noise(image: Tensor, std: float | Tensor, rng: Generator) -> Tensor:
    """Add white multiplicative noise, ``y = x (1 + std n)``, the literature's stand-in for speckle.

    Args:
        image: the clean image; not modified.
        std: standard deviation relative to the signal, not negative.
        rng: source of randomness, on the device of ``image``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative.

    Reference: van der Walt et al., "scikit-image", PeerJ 2014, ``skimage.util.random_noise(mode="speckle")``.
    """
    return image + image * at_least_zero(std, "std", image) * normal(image, rng)


def add_ultrasound_speckle(
    image: Tensor, std: float | Tensor, rng: Generator, axial: float = 1.0, lateral: float = 2.0
) -> Tensor:
    """Multiply the echo by a Rayleigh envelope and compress it, ``y = x + (20 / D) (log10 e - E[log10 e])``.

    The image is a log-compressed one of dynamic range D. The logarithm of fully developed speckle has a standard
    deviation of 5.57 dB whatever the tissue, so the level fixes the range, ``D = 5.57 dB / std``. It is centered: the
    clean image is the mean of the noisy ones, not the logarithm of their mean echo. What is at or below 0 holds no
    scatterers and is left as it is.

    Args:
        image: the clean log-compressed image, ``(..., H, W)``, rows along depth; not modified.
        std: standard deviation in the image's units, not negative.
        rng: source of randomness, on the device of ``image``.
        axial: width of the point-spread function along depth, see ``rayleigh_envelope``.
        lateral: width along the array.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std``, ``axial`` or ``lateral`` is negative.

    Reference: Wagner et al., "Statistics of speckle in ultrasound B-scans", IEEE Trans. Sonics Ultrason. 1983;
        Dutt & Greenleaf, "Statistics of the log-compressed echo envelope", JASA 1996 (5.57 dB).
    """
    level = at_least_zero(std, "std", image)
    envelope = rayleigh_envelope(image, axial, lateral, rng).clamp_(min=torch.finfo(image.dtype).tiny)
    standardized = envelope.log_().mul_(2).add_(EULER).div_(LOG_STD)
    return torch.where(image > 0, image + level * standardized, image)


def rayleigh_envelope(image: Tensor, axial: float, lateral: float, rng: Generator) -> Tensor:
    """Draw the envelope of fully developed speckle, ``e = |(n_r + i n_i) * PSF|``, of mean square 1.

    Its mean is 1.91 times its standard deviation; the autocovariance of its square is a Gaussian of the widths of the
    point-spread function.

    Args:
        image: ``(..., H, W)``, rows along depth; only its shape, dtype and device count.
        axial: standard deviation of the Gaussian point-spread function along depth, in pixels, not negative.
        lateral: the same along the array.
        rng: source of randomness, on the device of ``image``.

    Raises:
        ValueError: if a width is negative.

    Reference: Wagner et al., "Statistics of speckle in ultrasound B-scans", IEEE Trans. Sonics Ultrason. 1983.
    """
    parts = (correlated_normal(image, (axial, lateral), rng) for _ in range(2))
    return torch.hypot(*parts).div_(math.sqrt(2))


def add_oct_speckle(
    image: Tensor, looks: float | Tensor, rng: Generator, dynamic_range: float = 50.0, width: float = 0.0
) -> Tensor:
    """Multiply the intensity by gamma speckle and compress it, ``y = x + (10 / D) (log10 G - E[log10 G])``.

    Centered: the clean image is the mean of the noisy ones, as an average of registered log-compressed scans is. The
    intensity ``10^(D y / 10)`` has a standard deviation of ``1 / sqrt(looks)`` of its mean; that of ``y`` is
    ``(10 / (D ln 10)) sqrt(trigamma(looks))``, which tends to the same law.

    Args:
        image: the clean log-compressed image, ``(..., H, W)``; not modified.
        looks: independent intensities averaged, from 1 to 64, not necessarily whole.
        rng: source of randomness, on the device of ``image``.
        dynamic_range: D, what the display's range from 0 to 1 spans, in dB, positive; 40 to 60 dB are usual.
        width: see ``gamma_speckle``.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``looks`` is outside 1 to 64, ``dynamic_range`` not positive, or ``width`` negative.

    Reference: Schmitt et al., "Speckle in optical coherence tomography", J. Biomed. Opt. 1999.
    """
    if not dynamic_range > 0:
        raise ValueError(f"dynamic_range must be positive, got {dynamic_range:g}. Pass it in dB, such as 50.")
    order = _order(looks, image, width)
    log_mean = torch.digamma(order) - order.log()
    intensity = gamma_speckle(image, looks, rng, width).clamp_(min=torch.finfo(image.dtype).tiny)
    return image + intensity.log_().sub_(log_mean).mul_(DECIBEL / dynamic_range)


def gamma_speckle(image: Tensor, looks: float | Tensor, rng: Generator, width: float = 0.0) -> Tensor:
    """Draw speckle intensity averaged over looks, ``Gamma(looks, 1 / looks)``, of mean 1 and variance ``1 / looks``.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        looks: independent intensities averaged, from 1 to 64.
        rng: source of randomness, on the device of ``image``.
        width: standard deviation of a Gaussian point-spread function along both axes, in pixels, not negative; 0 for
            white speckle. Correlated speckle is a sum of ``2 looks`` squares, and looks are rounded to halves.

    Raises:
        ValueError: if ``looks`` is outside 1 to 64 or ``width`` negative.

    Reference: Goodman, "Speckle phenomena in optics", 2007.
    """
    order = _order(looks, image, width)
    if width == 0:
        return standard_gamma(image, order, rng).div_(order)
    parts = 2 * order
    intensity = torch.zeros(image.shape, dtype=image.dtype, device=image.device)
    for part in range(int(parts.max())):  # images of fewer looks take no more than their own share
        intensity += torch.where(part < parts, correlated_normal(image, (width, width), rng).square_(), 0)
    return intensity.div_(parts)


def _order(looks: float | Tensor, image: Tensor, width: float) -> Tensor:
    order = within(looks, LOOKS, "looks", image)
    return order if width == 0 else (2 * order).round() / 2
