"""Radiographs: quanta that a scintillator blurs, scatter and unequal gains, and an archive's JPEG."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image as Raster
from scipy import ndimage

__all__ = ["add_archived_noise", "add_scatter_noise", "add_scintillator_noise"]

READOUT = 0.002  # of the range: electronic noise, which no scintillator blurs
SPREAD = 24.0  # pixels: standard deviation of the scattered field, a body's thickness away
GRAY_LEVELS = 255

Image = npt.NDArray[np.float64]
Draws = np.random.Generator


def add_scintillator_noise(image: Image, photons: float, rng: Draws, half: float = 0.2) -> Image:
    """Count quanta, blur what they deviate by in the scintillator, and add the electronics' white noise.

    The modulation transfer is ``1 / (1 + (f / half)^2)``, which falls to one half at ``half``. Only the deviation from
    the mean is blurred: the clean image has been through the scintillator already.

    Args:
        image: ``(H, W)`` in network units, not negative; not modified.
        photons: a pixel at 1, positive.
        rng: source of randomness.
        half: in cycles a pixel.

    Returns:
        The noisy image; before the electronics, its variance is ``x / photons`` times the mean square of the transfer.

    Reference: Siewerdsen et al., "Empirical and theoretical investigation of the noise performance of indirect
        detection, active matrix flat-panel imagers", Med. Phys. 1997.
    """
    expected = photons * np.clip(image, 0, None)
    deviation = (rng.poisson(expected) - expected) / photons
    frequency = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1]))
    blurred = np.fft.ifft2(np.fft.fft2(deviation) / (1 + (frequency / half) ** 2)).real
    return np.asarray(image + blurred + READOUT * rng.standard_normal(image.shape))


def add_scatter_noise(image: Image, photons: float, rng: Draws, ratio: float = 1.0, gain: float = 0.01) -> Image:
    """Count primary and scattered quanta, take the scatter's mean away, and leave the elements' unequal gains.

    Scatter is the primary image smoothed over a body's thickness, ``ratio`` times as strong. The grid's software knows
    its mean, never its noise: dark regions beside bright ones are noisier than their own counts say. Gains of elements
    and of columns differ by what calibration has left.

    Args:
        image: ``(H, W)`` in network units, not negative; not modified.
        photons: primary ones a pixel at 1, positive.
        rng: source of randomness.
        ratio: of scatter to primary.
        gain: relative standard deviation of the elements' gains; that of the columns' is a third.

    Returns:
        The noisy image, of variance ``(x + s) / photons`` and that of the gains.

    Reference: Boone & Seibert, "An analytical model of the scattered radiation distribution in diagnostic radiology",
        Med. Phys. 1988 (a blurred primary).
    """
    primary = np.clip(image, 0, None)
    scatter = ratio * ndimage.gaussian_filter(primary, SPREAD, mode="nearest")
    counts = rng.poisson(photons * (primary + scatter)) / photons - scatter
    columns = rng.standard_normal((1, image.shape[1])) / 3
    gains = gain * (rng.standard_normal(image.shape) + columns)
    return np.asarray(image + (counts - primary) + primary * gains)


def add_archived_noise(image: Image, std: float, rng: Draws, quality: int = 80) -> Image:
    """Add white noise, round it to eight bits, and keep it as JPEG, as archives and teaching files do.

    The law is of pictures: what lies outside black and white is cut off, so that near them the mean is not the clean
    image.

    Args:
        image: ``(H, W)`` in network units; not modified.
        std: standard deviation of the noise before it is stored, in the image's units.
        rng: source of randomness.
        quality: of the Independent JPEG Group, from 1 to 95.

    Reference: ISO/IEC 10918-1, by Pillow.
    """
    noisy = image + std * rng.standard_normal(image.shape)
    stored = io.BytesIO()
    levels = np.rint(np.clip(noisy, 0, 1) * GRAY_LEVELS).astype(np.uint8)
    Raster.fromarray(levels).save(stored, format="JPEG", quality=quality)
    with Raster.open(stored) as read:
        return np.asarray(read, dtype=np.float64) / GRAY_LEVELS
