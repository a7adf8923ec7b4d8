"""Low-contrast inserts of a phantom whose truth is known: the contrast kept, and the frequency of the noise."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["insert_contrast", "mean_frequency"]

MARGIN = 6  # pixels around an insert that its ground is taken from

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def insert_contrast(image: Values, truth: Values, insert: Mask) -> float:
    """Measure the share of an insert's contrast that an image shows.

    The image is fitted by ``slope * truth + offset`` over the insert and the ground within ``MARGIN`` pixels; the slope
    is returned. Noise moves it: average realizations before, and read it beside the noisy image's.

    Args:
        image: ``(H, W)``, best a mean over realizations.
        truth: same shape and units, without noise.
        insert: where the insert is.

    Returns:
        1 if all of it is there, 0 if it is gone.

    Raises:
        ValueError: if the truth has no contrast there.
    """
    rows, columns = np.nonzero(insert)
    window = tuple(slice(max(axis.min() - MARGIN, 0), axis.max() + MARGIN + 1) for axis in (rows, columns))
    centered = truth[window] - truth[window].mean()
    if not centered.any():
        raise ValueError("truth must have a contrast at the insert, got a constant. Pass the truth of the phantom.")
    return float(np.sum(centered * image[window]) / np.sum(centered**2))


def mean_frequency(noise: Values) -> float:
    """Give the mean frequency of a noise power spectrum, by which denoisers turn grain into blotches.

    A Hann window is laid over, without which the jump between opposite borders would pass for fine grain.

    Args:
        noise: realizations of a square region, ``(N, H, W)``; what they have in common is no noise and is taken away.

    Returns:
        ``sum(f P(f)) / sum(P(f))`` over the plane of frequencies, in cycles a pixel; 0.3826 for white noise; NaN if
        there is none.

    Reference: Solomon, Christianson & Samei, "Quantitative comparison of noise texture across CT scanners from
        different manufacturers", Med. Phys. 2012 (average frequency of the noise power spectrum).
    """
    residual = noise - noise.mean(0)
    window = np.outer(*(np.hanning(size + 1)[:-1] for size in noise.shape[1:]))
    power = np.mean(np.abs(np.fft.fft2((residual - residual.mean((1, 2), keepdims=True)) * window)) ** 2, axis=0)
    frequency = np.hypot(np.fft.fftfreq(noise.shape[1])[:, None], np.fft.fftfreq(noise.shape[2]))
    return float(np.sum(frequency * power) / power.sum()) if power.any() else math.nan
