"""Power by spatial frequency: of images, which a denoiser should leave as it was, and of what remains as an error."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Spectrum", "noise_power_spectrum", "radial_spectrum", "spectrum_distance"]

FLOOR = 1e-12  # of the strongest ring of the clean image, 120 dB below it: what rounding leaves of no power

Values = npt.NDArray[np.float64]


class Spectrum(NamedTuple):
    """Power over rings of spatial frequency.

    Attributes:
        frequency: middle of each ring, rising, in cycles per unit of the spacing; the mean of the image has no ring.
        power: mean over the ring of the power spectral density, in the image's units squared times the pixel's area.
    """

    frequency: Values
    power: Values


def radial_spectrum(image: Values, spacing: float = 1.0) -> Spectrum:
    """Average the power spectral density over rings one frequency of the shorter side wide, up to Nyquist's.

    The mean is taken away and a Hann window laid over, without which the jump between opposite borders would fill the
    high frequencies. White noise of variance s^2 has the power ``s^2 * spacing^2`` at all frequencies.

    Args:
        image: ``(H, W)``.
        spacing: side of a pixel, in the unit that frequencies are wanted per: millimeters, or 1 for pixels.

    Reference: Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Transactions on
        Audio and Electroacoustics 1967.
    """
    height, width = image.shape
    window = np.outer(_hann(height), _hann(width))
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2 / np.sum(window**2) * spacing**2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    side = min(height, width)
    ring = np.rint(frequency * side).astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.bincount(ring)
    steps = np.arange(1, side // 2 + 1)
    return Spectrum(steps / (side * spacing), mean[steps])


def noise_power_spectrum(clean: Values, output: Values, spacing: float = 1.0) -> Spectrum:
    """Give the radial noise power spectrum of the error that an output still has.

    It is the spectrum of ``output - clean``: noise that was left, and what was taken of the anatomy. The ideal is none.
    Beside that of ``noisy`` in the place of ``output``, it shows which frequencies were denoised; a peak moved to low
    ones is the blotchy texture that readers dislike.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.
        spacing: side of a pixel, in millimeters; power is then in units squared times square millimeters.

    Reference: Siewerdsen, Cunningham & Jaffray, "A framework for noise-power spectrum analysis of multidimensional
        images", Medical Physics 2002; here with the window of ``radial_spectrum``.
    """
    return radial_spectrum(output - clean, spacing)


def spectrum_distance(clean: Values, output: Values) -> float:
    """Average how far an output's power lies from the clean image's, over rings of spatial frequency.

    Args:
        clean: ``(H, W)``.
        output: same shape and units.

    Returns:
        Mean of ``|10 log10(output / clean)|`` in dB over the rings, which weigh equally; NaN if the clean image is
        constant and has no power to compare with.
    """
    if np.ptp(clean) == 0:
        return math.nan
    reference, found = (radial_spectrum(image).power for image in (clean, output))
    floor = FLOOR * reference.max()
    return float(np.mean(np.abs(10 * np.log10(np.maximum(found, floor) / np.maximum(reference, floor)))))


def _hann(size: int) -> Values:
    """Give Hann's window without its last point, as for a periodic signal."""
    return np.asarray(np.hanning(size + 1)[:-1])
