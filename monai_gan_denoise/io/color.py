"""Color pixels: the luminance is denoised, and the color and the opacity are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.scans.scan import subtract

__all__ = ["luminance", "subtract_from_color"]

LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, of R, G and B


def luminance(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reduce colors to their luminance.

    Args:
        pixels: ``(..., channels)``, of gray and alpha if there are two channels, else of red, green, blue and the rest.

    Returns:
        ``(...)``, in the units of ``pixels``.
    """
    return pixels[..., 0] if pixels.shape[-1] == 2 else pixels[..., :3] @ LUMINANCE


def subtract_from_color(pixels: npt.NDArray[Any], removed: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
    """Take the same amount from red, green and blue, which changes the luminance by that amount; alpha stays.

    Args:
        pixels: as in ``luminance``; alpha is the last of two or four channels.
        removed: ``(...)``, in the units of ``pixels``.

    Returns:
        Same shape and dtype as ``pixels``.
    """
    channels = pixels.shape[-1]
    opaque = channels - (channels in (2, 4))
    changed = subtract(pixels[..., :opaque], removed[..., None])
    return np.concatenate([changed, pixels[..., opaque:]], axis=-1)
