"""Inserted discs: how much of the contrast of a small lesion a denoiser leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Disc", "contrast_kept", "disc_profile"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Disc:
    """A disc in an image.

    Attributes:
        row: of the center, in pixels.
        column: of the center.
        diameter: in pixels.
    """

    row: float
    column: float
    diameter: float


def disc_profile(shape: tuple[int, int], disc: Disc) -> Values:
    """Draw a disc, whose border passes from 1 to 0 over one pixel.

    Add ``contrast * disc_profile(...)`` to a clean image to insert it; a contrast-to-noise ratio of 2 is a contrast of
    twice the standard deviation of the noise.

    Returns:
        Shape ``shape``; 1 inside, 0 outside.
    """
    return np.clip(disc.diameter / 2 - _distance(shape, disc) + 0.5, 0, 1)


def contrast_kept(with_disc: Values, without_disc: Values, disc: Disc, contrast: float) -> float:
    """Measure the share of an inserted contrast that two outputs keep.

    The two come from one noisy image with the disc and without it. Their difference, in which anatomy and noise
    cancel, is fitted by ``slope * contrast * profile + offset`` within two diameters' width; the slope is returned. For
    a disc with hard borders that is the mean inside less the mean of the ring around it, over the contrast.

    Args:
        with_disc: output ``(H, W)`` of the noisy image plus ``contrast * disc_profile``.
        without_disc: output of the noisy image.
        disc: that was inserted.
        contrast: of the disc, in the images' units, not 0.

    Returns:
        1 if all of it is there, 0 if it is gone; more than 1 if it is exaggerated.

    Raises:
        ValueError: if the contrast is 0.
    """
    if contrast == 0:
        raise ValueError("contrast must not be 0, got 0. Pass the contrast that was inserted.")
    around = _distance(with_disc.shape, disc) <= disc.diameter
    profile = disc_profile(with_disc.shape, disc)[around]
    centered = profile - profile.mean()
    difference = (with_disc - without_disc)[around]
    return float(centered @ difference / (centered @ profile) / contrast)


def _distance(shape: tuple[int, ...], disc: Disc) -> Values:
    rows, columns = np.indices(shape)
    return np.asarray(np.hypot(rows - disc.row, columns - disc.column))
