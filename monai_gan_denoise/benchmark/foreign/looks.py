"""Speckle averaged over looks, correlated by the resolution, in decibels or linear: of ultrasound and of OCT."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal, special

__all__ = ["add_compressed_envelope", "add_linear_looks", "add_log_looks", "look_intensity"]

DECIBEL = 10 / math.log(10)  # dB a neper of intensity
CYCLES = 0.22  # a pixel: carrier of the radio-frequency line, whose envelope alone is seen
TINY = 1e-300  # so that the logarithm of no echo is finite

Image = npt.NDArray[np.float64]
Draws = np.random.Generator


def look_intensity(shape: tuple[int, int], looks: int, rng: Draws, axial: float, lateral: float) -> Image:
    """Average the intensity of independent speckle fields, each a complex Gaussian field of the system's resolution.

    Args:
        shape: ``(H, W)``, rows along depth.
        looks: fields.
        rng: source of randomness.
        axial: standard deviation of the resolution's Gaussian along depth, in pixels.
        lateral: the same along the array.

    Returns:
        Shape ``shape``, at each pixel ``Gamma(looks, 1 / looks)``: mean 1, variance ``1 / looks``.

    Reference: Burckhardt, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 1978, on averaging
        independent images.
    """
    total = np.zeros(shape)
    for _ in range(2 * looks):  # the real and the imaginary part of each
        field = ndimage.gaussian_filter(rng.standard_normal(shape), (axial, lateral), mode="wrap", truncate=6)
        total += field**2
    impulse = np.zeros(shape)
    impulse[0, 0] = 1
    gain = np.sum(ndimage.gaussian_filter(impulse, (axial, lateral), mode="wrap", truncate=6) ** 2)
    return np.asarray(total / (2 * looks * gain))


def add_log_looks(
    image: Image, looks: float, rng: Draws, dynamic_range: float = 50.0, axial: float = 0.8, lateral: float = 1.6
) -> Image:
    """Add the logarithm of averaged speckle, as a log-compressed display shows it; centered.

    ``y = x + 10 / D (log10 I - E[log10 I])``, where ``E[ln I] = digamma(L) - ln L`` and the variance of ``ln I`` is
    ``trigamma(L)`` for L looks. What is at or below 0 holds no echo and stays.

    Args:
        image: ``(H, W)`` in network units, log-compressed; not modified.
        looks: independent fields averaged before the compression, a whole number from 1.
        rng: source of randomness.
        dynamic_range: D, from 0 to 1, in dB.
        axial: see ``look_intensity``.
        lateral: see ``look_intensity``.

    Reference: Michailovich & Tannenbaum, "Despeckling of medical ultrasound images", IEEE TUFFC 2006, sect. II.
    """
    count = int(looks)
    intensity = look_intensity(image.shape, count, rng, axial, lateral)
    centered = np.log(np.maximum(intensity, TINY)) - (special.digamma(count) - math.log(count))
    return np.where(image > 0, image + DECIBEL / dynamic_range * centered, image)


def add_linear_looks(image: Image, looks: float, rng: Draws, axial: float = 0.7, lateral: float = 1.2) -> Image:
    """Multiply the intensity by averaged speckle, as a linear display shows it, ``y = x I``.

    Args:
        image: ``(H, W)`` in network units; not modified.
        looks: independent fields averaged, a whole number from 1.
        rng: source of randomness.
        axial: see ``look_intensity``.
        lateral: see ``look_intensity``.

    Reference: Goodman, "Some fundamental properties of speckle", J. Opt. Soc. Am. 1976.
    """
    return image * look_intensity(image.shape, int(looks), rng, axial, lateral)


def add_compressed_envelope(
    image: Image, exponent: float, rng: Draws, axial: float = 1.6, lateral: float = 1.4
) -> Image:
    """Detect the envelope of radio-frequency lines and compress it by a power, as some scanners' gray maps do.

    Scatterers meet a pulse, a Gaussian of ``axial`` around a carrier along depth, and a Gaussian beam; the envelope e
    is the magnitude of the analytic signal, Rayleigh-distributed. A map ``A^a`` of the amplitude shows ``x e^a``;
    divided by ``E[e^a] = Gamma(1 + a / 2)`` for a mean square of 1, so that the clean image is the mean.

    Args:
        image: ``(H, W)`` in network units, rows along depth; not modified.
        exponent: a, above 0; the smaller, the more the map compresses. The relative deviation is
            ``sqrt(Gamma(1 + a) / Gamma(1 + a / 2)^2 - 1)``.
        rng: source of randomness.
        axial: standard deviation of the pulse's envelope along depth, in pixels.
        lateral: standard deviation of the beam, in pixels.

    Reference: Burckhardt, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 1978; the analytic signal
        by ``scipy.signal.hilbert``.
    """
    depth = np.arange(-math.ceil(4 * axial), math.ceil(4 * axial) + 1)
    pulse = np.exp(-((depth / axial) ** 2) / 2) * np.cos(2 * math.pi * CYCLES * depth)
    lines = ndimage.convolve1d(rng.standard_normal(image.shape), pulse, axis=0, mode="wrap")
    lines = ndimage.gaussian_filter1d(lines, lateral, axis=1, mode="wrap")
    envelope = np.abs(signal.hilbert(lines, axis=0))
    envelope /= np.sqrt(np.mean(envelope**2))
    return np.asarray(image * envelope**exponent / special.gamma(1 + exponent / 2))
