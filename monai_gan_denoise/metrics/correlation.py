"""Pearson's correlation of two images."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["correlation"]


def correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Correlate two images pixel by pixel.

    Returns:
        In [-1, 1]; NaN if one of them is constant, for which there is no correlation.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
