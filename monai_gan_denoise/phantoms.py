"""Noise-free phantoms of the modalities for which no installed package ships an image.

Each is drawn from ellipses and curves with soft edges, in [0, 1]; none shows a patient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["abdomen", "bscan", "chest_radiograph", "head", "sonogram"]

Image = npt.NDArray[Any]


def abdomen(size: int = 256) -> Image:
    """Draw a CT slice of the abdomen: liver with a lesion and vessels, spleen, kidneys, spine, aorta, bowel gas.

    Returns:
        Shape ``(size, size)``, 0 at -1024 HU and 1 at 1976 HU.
    """
    y, x = _grid(size)
    hu = np.full_like(y, -1000.0)
    parts = (
        ((0.0, 0.0), (0.70, 0.90), -100.0),  # fat under the skin
        ((-0.01, 0.0), (0.62, 0.82), 50.0),  # muscle
        ((-0.04, 0.0), (0.53, 0.72), -90.0),  # fat of the cavity
        ((-0.10, -0.38), (0.40, 0.32), 110.0),  # liver
        ((-0.18, -0.46), (0.10, 0.11), 70.0),  # a lesion
        ((0.04, -0.30), (0.035, 0.09), 160.0),  # a vessel
        ((-0.02, -0.50), (0.025, 0.06), 160.0),
        ((-0.22, -0.26), (0.05, 0.025), 160.0),
        ((0.06, 0.55), (0.22, 0.13), 120.0),  # spleen
        ((-0.24, 0.22), (0.15, 0.24), 40.0),  # stomach
        ((-0.32, 0.24), (0.06, 0.15), -900.0),  # its gas
        ((0.28, -0.34), (0.13, 0.10), 180.0),  # kidneys
        ((0.28, 0.34), (0.13, 0.10), 180.0),
        ((0.12, 0.02), (0.07, 0.07), 200.0),  # aorta
        ((0.34, 0.0), (0.13, 0.14), 250.0),  # vertebra
        ((0.34, 0.0), (0.09, 0.10), 160.0),
        ((0.50, 0.0), (0.05, 0.05), 30.0),  # spinal canal
    )
    for center, radii, value in parts:
        hu += (value - hu) * _ellipse(y, x, center, radii, 0.02 * min(radii) ** -0.5 if min(radii) < 0.1 else 0.02)
    return np.asarray((hu + 1024) / 3000)


def head(size: int = 256) -> Image:
    """Draw a T1-weighted MR slice of the head: scalp, skull, gray and white matter, ventricles, a small lesion.

    Returns:
        Shape ``(size, size)``, in [0, 1]; 0 outside the head.
    """
    y, x = _grid(size)
    angle = np.arctan2(y, x)
    image = np.zeros_like(y)
    folds = 0.05 * np.cos(17 * angle + 2 * np.sin(3 * angle)) + 0.03 * np.cos(29 * angle)
    for (height, width), value, folded in (
        ((0.92, 0.76), 0.85, 0.0),  # scalp
        ((0.86, 0.70), 0.08, 0.0),  # skull
        ((0.81, 0.65), 0.16, 0.0),  # liquor
        ((0.78, 0.62), 0.48, 0.4),  # gray matter
        ((0.68, 0.52), 0.72, 1.0),  # white matter
    ):
        inside = _smooth_step(1 + folded * folds - np.hypot(y / height, x / width), 0.02)
        image += (value - image) * inside
    for side in (-1, 1):
        image += (0.14 - image) * _ellipse(y, x + 0.05 * side * (1 + y), (-0.05, 0.12 * side), (0.26, 0.07), 0.08)
        image += (0.52 - image) * _ellipse(y, x, (0.08, 0.24 * side), (0.14, 0.07), 0.08)
    image += (0.16 - image) * _ellipse(y, x, (0.0, 0.0), (0.78, 0.008), 0.5) * (np.abs(y) > 0.35)
    image += (0.95 - image) * _ellipse(y, x, (-0.35, 0.27), (0.05, 0.05), 0.1)
    return np.asarray(np.clip(image, 0, 1))


def chest_radiograph(size: int = 512) -> Image:
    """Draw a chest radiograph by Beer-Lambert's law: thorax, lungs, heart, spine, ribs and vessels, bones bright.

    Returns:
        Shape ``(size, size)``, in [0, 1].
    """
    y, x = _grid(size)
    path = 1.9 * _ellipse(y, x, (0.05, 0.0), (1.0, 0.86), 0.06)  # attenuation lengths of soft tissue
    for side in (-1, 1):
        lung = _ellipse(y, x, (-0.02, 0.4 * side), (0.62, 0.28), 0.05)
        path -= 1.25 * lung
        for rib in range(7):
            middle = -0.55 + 0.17 * rib + 0.28 * (np.abs(x) - 0.35) ** 2 + 0.1 * np.abs(x)
            band = np.exp(-(((y - middle) / 0.022) ** 2))
            path += 0.32 * band * _ellipse(y, x, (0.0, 0.4 * side), (0.75, 0.36), 0.04)
        for branch in range(5):
            slope = 0.9 * (branch - 2) / 2
            center = 0.02 + slope * (np.abs(x) - 0.12)
            width = 0.012 * np.clip(1.1 - 1.6 * np.abs(np.abs(x) - 0.1), 0.2, 1.0)
            path += 0.25 * np.exp(-(((y - center) / width) ** 2)) * lung * (side * x > 0.1)
    path += 0.9 * _ellipse(y, x, (0.28, 0.1), (0.3, 0.26), 0.05) + 0.8 * _ellipse(y, x, (0.0, 0.0), (1.0, 0.07), 0.02)
    return _stretch(1 - np.exp(-np.clip(path, 0, None)))


def sonogram(size: int = 384) -> Image:
    """Draw a B-mode image without speckle: layered tissue, two cysts with enhancement behind, a mass with a shadow.

    Returns:
        Shape ``(size, size)``, in [0, 1]; 0 outside the sector.
    """
    y, x = _grid(size)
    depth = (y + 1) / 2
    echo = 0.38 + 0.10 * np.sin(9 * depth + 1.5 * np.sin(2 * x)) + 0.06 * np.sin(23 * depth + 2 * x)
    for row, column, radius in ((-0.15, -0.3, 0.2), (0.35, 0.25, 0.13)):
        behind = _smooth_step(y - row, 0.05) * np.exp(-(((x - column) / (0.8 * radius)) ** 2))
        echo = echo + 0.12 * behind
        echo *= 1 - 0.9 * _ellipse(y, x, (row, column), (radius, radius), 0.02)
    shadow = _smooth_step(y + 0.2, 0.05) * np.exp(-(((x - 0.45) / 0.1) ** 2))
    echo = echo * (1 - 0.6 * shadow) + 0.4 * _ellipse(y, x, (-0.25, 0.45), (0.08, 0.14), 0.02)
    reach, angle = np.hypot(y + 1.6, x), np.arctan2(x, y + 1.6)
    sector = _smooth_step(reach - 0.62, 0.01) * _smooth_step(2.55 - reach, 0.01) * _smooth_step(0.6 - abs(angle), 0.01)
    return np.asarray(np.clip(echo, 0, 1) * sector)


def bscan(height: int = 320, width: int = 512) -> Image:
    """Draw a macular B-scan without speckle: vitreous, the layers of the retina around the fovea, choroid.

    Returns:
        Shape ``(height, width)``, in [0, 1].
    """
    depth, x = np.mgrid[0.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    pit = 0.085 * np.exp(-((x / 0.22) ** 2)) - 0.05 * np.exp(-((x / 0.55) ** 2))
    curve = 0.06 * x**2
    brightness = np.full_like(depth, 0.06)
    layers = ((0.30, 0.62, 1.0), (0.36, 0.42, 0.75), (0.42, 0.50, 0.5), (0.46, 0.26, 0.35), (0.56, 0.55, 0.1))
    for top, level, share in (*layers, (0.58, 0.32, 0.0), (0.62, 0.85, 0.0), (0.66, 0.48, 0.0)):
        edge = top + share * pit - curve
        brightness += (level - brightness) * _smooth_step(depth - edge, 0.004)
    vessels = np.exp(-(((x[..., None] - (-0.7, -0.45, 0.55, 0.8)) / 0.02) ** 2)).sum(-1)
    brightness *= 1 - 0.45 * vessels * _smooth_step(depth - 0.34, 0.01)
    return np.asarray(np.clip(brightness * np.exp(-1.6 * np.clip(depth - 0.68, 0, None)), 0, 1))


def _grid(size: int) -> tuple[Image, Image]:
    y, x = np.mgrid[-1.0 : 1.0 : size * 1j, -1.0 : 1.0 : size * 1j]
    return y, x


def _smooth_step(distance: Image, softness: float) -> Image:
    return np.asarray(0.5 + 0.5 * np.tanh(distance / softness))


def _ellipse(y: Image, x: Image, center: tuple[float, float], radii: tuple[float, float], softness: float) -> Image:
    return _smooth_step(1 - np.hypot((y - center[0]) / radii[0], (x - center[1]) / radii[1]), softness)


def _stretch(image: Image) -> Image:
    return np.asarray((image - image.min()) / np.ptp(image))
