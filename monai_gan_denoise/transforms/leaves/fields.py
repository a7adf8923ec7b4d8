"""Smooth random fields, and the blur that any scanner's pixels have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.random import RandomState

__all__ = ["Image", "blur", "draw_curve", "draw_field"]

Image = npt.NDArray[Any]
KNOTS = 4  # a field that is asked to be smoother than the image is long still has so many knots along each axis


def draw_field(random: RandomState, size: tuple[int, int], scale: float) -> Image:
    """Draw a smooth field: normal values on a coarse grid, interpolated by cubics.

    Args:
        random: source of randomness.
        size: rows and columns.
        scale: distance of the grid's knots, in pixels; structures are about that large.

    Returns:
        Shape ``size``, float32, of mean 0 and deviation 1 over the image.
    """
    knots = [max(KNOTS, math.ceil(length / scale) + 1) for length in size]
    coarse = torch.from_numpy(random.standard_normal(knots))[None, None]
    fine = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic", align_corners=True)[0, 0].numpy()
    return np.asarray((fine - fine.mean()) / fine.std(), dtype=np.float32)


def draw_curve(random: RandomState, length: int, scale: float) -> Image:
    """Draw a smooth curve, ``(length,)``, of mean 0 and deviation 1, as ``draw_field`` draws a field."""
    knots = max(KNOTS, math.ceil(length / scale) + 1)
    coarse = torch.from_numpy(random.standard_normal(knots))[None, None, None]
    curve = (
        torch.nn.functional.interpolate(coarse, size=(1, length), mode="bicubic", align_corners=True).numpy().ravel()
    )
    return np.asarray((curve - curve.mean()) / curve.std(), dtype=np.float32)


def blur(image: Image, deviation: float) -> Image:
    """Blur with a Gaussian of some deviation in pixels; beyond its edges the image goes on as it ends."""
    reach = math.ceil(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if axis == other else (0, 0) for other in (0, 1)], mode="edge")
        shifted = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis)
        image = np.asarray(shifted @ weights)
    return image
