"""Gaussian noise that neighbors share, whatever the detector: smoothed, scaled up, filtered as by back-projection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["add_backprojected_noise", "add_scaled_noise", "add_smooth_noise"]

CUTOFF = 0.35  # cycles a pixel at which a soft-tissue kernel has fallen to 1 / e
RIM = 0.6  # of the level: what is left of the noise at the rim of a round body, whose rays are short

Image = npt.NDArray[np.float64]
Draws = np.random.Generator


def add_smooth_noise(image: Image, std: float, rng: Draws, width: float = 1.0) -> Image:
    """Add white noise smoothed by a Gaussian kernel, as most reconstructions and displays do.

    Args:
        image: ``(H, W)`` in network units; not modified.
        std: standard deviation after smoothing, in the image's units.
        rng: source of randomness.
        width: standard deviation of the kernel, in pixels.

    Returns:
        The noisy image; its autocorrelation at distance d is ``exp(-d^2 / (4 width^2))``.
    """
    noise = ndimage.gaussian_filter(rng.standard_normal(image.shape), width, mode="wrap", truncate=6)
    impulse = np.zeros(image.shape)
    impulse[0, 0] = 1
    gain = np.linalg.norm(ndimage.gaussian_filter(impulse, width, mode="wrap", truncate=6))
    return np.asarray(image + std / gain * noise)


def add_scaled_noise(image: Image, std: float, rng: Draws, factor: float = 1.6) -> Image:
    """Add noise that was white on a coarser grid and was interpolated up by cubic splines, as the image's matrix was.

    Args:
        image: ``(H, W)`` in network units; not modified.
        std: standard deviation after interpolation over the whole image, in the image's units.
        rng: source of randomness.
        factor: pixels a sample of the coarse grid.
    """
    coarse = [round(size / factor) + 4 for size in image.shape]
    large = ndimage.zoom(rng.standard_normal(coarse), factor, order=3, mode="grid-wrap", grid_mode=True)
    noise = large[: image.shape[0], : image.shape[1]]
    return np.asarray(image + std * (noise - noise.mean()) / noise.std())


def add_backprojected_noise(image: Image, std: float, rng: Draws, cutoff: float = CUTOFF) -> Image:
    """Add noise with the spectrum of filtered back-projection, weaker towards the rim.

    The power rises with the frequency, as the ramp leaves it after the angular average, and falls by the kernel's
    window: ``W(f) = f exp(-2 (f / cutoff)^2)``. The level falls with the square of the distance from the center.

    Args:
        image: ``(H, W)`` in network units; not modified.
        std: standard deviation in the center, in the image's units.
        rng: source of randomness.
        cutoff: in cycles a pixel.

    Reference: Riederer, Pelc & Chesler, "The noise power spectrum in computed X-ray tomography", Phys. Med. Biol. 1978.
    """
    height, width = image.shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    gain = np.sqrt(frequency) * np.exp(-((frequency / cutoff) ** 2))
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(image.shape)) * gain / np.sqrt(np.mean(gain**2))).real
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    fall = 1 - (1 - RIM) * np.clip(rows**2 + columns**2, 0, 1)
    return np.asarray(image + std * fall * noise)
