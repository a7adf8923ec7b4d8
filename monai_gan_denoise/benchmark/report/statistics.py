"""Figures over images: means, spreads and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["bootstrap_interval", "describe"]

RESAMPLES = 1000
COVERAGE = 95.0  # percent


def describe(values: Sequence[float], patients: Sequence[str]) -> dict[str, float | list[float] | None]:
    """Give mean, standard deviation (of the sample), 5th percentile and the mean's confidence interval.

    Args:
        values: a figure an image; an infinite one, the PSNR of equal images, makes what it enters None.
        patients: whom each image shows.
    """
    array = np.asarray(values, float)
    if not np.isfinite(array).all():
        return {"mean": None, "std": None, "p5": None, "ci": None}
    return {
        "mean": float(array.mean()),
        "std": float(array.std(ddof=1)) if len(array) > 1 else None,
        "p5": float(np.percentile(array, 5)),
        "ci": bootstrap_interval(array, patients),
    }


def bootstrap_interval(values: Sequence[float] | np.ndarray, patients: Sequence[str]) -> list[float] | None:
    """Give the 95 % percentile interval of the mean over images, patients drawn with replacement.

    Args:
        values: a figure an image.
        patients: whom each image shows; images of one patient are drawn together.

    Returns:
        Lower and upper end; None if there are fewer than two patients.

    Reference: Efron & Tibshirani, "An introduction to the bootstrap", 1993, sect. 13.3.
    """
    groups = [np.flatnonzero(np.asarray(patients) == patient) for patient in dict.fromkeys(patients)]
    if len(groups) < 2:
        return None
    array = np.asarray(values, float)
    sums = np.array([array[group].sum() for group in groups])
    counts = np.array([len(group) for group in groups])
    drawn = np.random.default_rng(0).integers(len(groups), size=(RESAMPLES, len(groups)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    tail = (100 - COVERAGE) / 2
    low, high = np.percentile(means, (tail, 100 - tail))
    return [float(low), float(high)]
