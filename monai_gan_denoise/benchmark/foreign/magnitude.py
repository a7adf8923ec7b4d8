"""Magnitude MR by NumPy's Fourier transform: noise of a smaller matrix, zero-filled, and coils that are not alike.

Both lift the mean where there is little signal. The reference is the clean image all the same: whoever denoises such an
image is asked to take the bias away too, as by the correction of Koay & Basser.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["add_coil_noise", "add_zero_filled_noise"]

Image = npt.NDArray[np.float64]
Draws = np.random.Generator


def add_zero_filled_noise(image: Image, std: float, rng: Draws, kept: float = 0.6) -> Image:
    """Take the magnitude of the image plus complex noise that k-space holds in its middle only.

    The noise is white in the measured part of k-space and nothing outside, as scanners interpolate 160 lines to 256:
    its grain is wider than a pixel. The clean image keeps its own k-space, so that it stays the reference.

    Args:
        image: the clean magnitude, ``(H, W)`` in network units; not modified.
        std: standard deviation of each part after zero-filling, in the image's units.
        rng: source of randomness.
        kept: share of each axis of k-space that was measured, in ``(0, 1]``.

    Returns:
        The noisy magnitude, Rician at each pixel: ``E[y^2] = x^2 + 2 std^2``.

    Reference: Nishimura, "Principles of Magnetic Resonance Imaging", 1996, on zero-filling.
    """
    frequencies = (np.abs(np.fft.fftfreq(size)) <= kept / 2 for size in image.shape)
    measured = np.outer(*frequencies)
    white = rng.standard_normal(image.shape) + 1j * rng.standard_normal(image.shape)
    noise = np.fft.ifft2(np.fft.fft2(white) * measured) / math.sqrt(measured.mean())
    return np.asarray(np.abs(image + std * noise))


def add_coil_noise(image: Image, std: float, rng: Draws, correlation: float = 0.15) -> Image:
    """Combine four coils, each near a side of the body, by the root of their sum of squares.

    Sensitivities are Gaussians about the middle of each side, scaled to a sum of squares of 1. The noise of any two
    coils correlates, as they couple.

    Args:
        image: the clean magnitude, ``(H, W)`` in network units; not modified.
        std: standard deviation of each part in each coil, in the image's units.
        rng: source of randomness.
        correlation: between any two coils, in ``[0, 1)``.

    Returns:
        The noisy magnitude: ``E[y^2] = x^2 + 8 std^2``; a non-central chi distribution where coils do not correlate.

    Reference: Constantinides, Atalar & McVeigh, "Signal-to-noise measurements in magnitude images from NMR phased
        arrays", MRM 1997.
    """
    rows, columns = np.linspace(-1, 1, image.shape[0])[:, None], np.linspace(-1, 1, image.shape[1])
    sides = ((-1, 0), (1, 0), (0, -1), (0, 1))
    maps = np.stack([np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2) for row, column in sides])
    maps /= np.sqrt(np.sum(maps**2, axis=0))
    mixing = np.linalg.cholesky(np.full((4, 4), correlation) + (1 - correlation) * np.eye(4))
    white = rng.standard_normal((4, 2, *image.shape))
    real, imaginary = np.moveaxis(np.tensordot(mixing, white, 1), 1, 0)
    return np.asarray(np.sqrt(np.sum((maps * image + std * real) ** 2 + (std * imaginary) ** 2, axis=0)))
