"""Shapes of leaves: ellipses, blobs, rectangles and bent strips, each told by the distance to its border."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.fields import Image

__all__ = ["Shape", "blob", "draw_radii", "draw_shape", "ellipse", "rectangle", "strip"]

Distance = Callable[[Image, Image], Image]
TINY = 1e-6


@dataclass(frozen=True)
class Shape:
    """A shape on the plane of the pixels.

    Attributes:
        row: of its center.
        column: of its center.
        reach: farthest that it may go from the center, in pixels.
        distance: rows and columns from the center to the distance from the border in pixels, positive inside.
    """

    row: float
    column: float
    reach: float
    distance: Distance


def draw_radii(random: RandomState, smallest: float, largest: float, count: int) -> Image:
    """Draw radii whose density falls as ``r ** -3``: what makes dead leaves look alike at all scales.

    Reference: Lee, Mumford, Huang, "Occlusion models for natural images", International Journal of Computer Vision
    41, 2001, section 3; drawn by the inverse of the distribution function.
    """
    share = random.random_sample(count)
    return np.asarray((smallest**-2 - share * (smallest**-2 - largest**-2)) ** -0.5)


def ellipse(row: float, column: float, radii: tuple[float, float], angle: float) -> Shape:
    """Make an ellipse of two radii, the first along ``angle`` from the rows' axis; its distance is of first order."""
    along, across = radii

    def distance(y: Image, x: Image) -> Image:
        u, v = _turn(y, x, angle)
        level = np.hypot(u / along, v / across)
        slope = np.hypot(u / along**2, v / across**2) / (level + TINY)
        return np.asarray((1 - level) / (slope + TINY))

    return Shape(row, column, max(radii), distance)


def blob(random: RandomState, row: float, column: float, radius: float, roughness: float = 0.15) -> Shape:
    """Draw a round shape whose radius varies with the angle by ``roughness``, in waves of two to seven a turn."""
    orders = np.arange(2, 8)
    phases = random.uniform(0, 2 * math.pi, len(orders))
    sizes = roughness * random.standard_normal(len(orders)) / orders**0.8

    def distance(y: Image, x: Image) -> Image:
        angle = np.arctan2(y, x)
        border = 1 + sum(size * np.cos(n * angle + phase) for size, n, phase in zip(sizes, orders, phases, strict=True))
        return np.asarray(radius * np.maximum(border, 0.2) - np.hypot(y, x))

    return Shape(row, column, radius * (1 + float(np.abs(sizes).sum())), distance)


def rectangle(row: float, column: float, halves: tuple[float, float], angle: float) -> Shape:
    """Make a rectangle of two half lengths, the first along ``angle`` from the rows' axis."""

    def distance(y: Image, x: Image) -> Image:
        u, v = _turn(y, x, angle)
        return np.asarray(np.minimum(halves[0] - np.abs(u), halves[1] - np.abs(v)))

    return Shape(row, column, math.hypot(*halves), distance)


def strip(random: RandomState, row: float, column: float, half_length: float, half_width: float) -> Shape:
    """Draw a strip that is bent along an arc or a wave, straight across its ends."""
    angle, bend = random.uniform(0, math.pi), random.normal(0, 0.35)
    wave, phase = random.normal(0, 0.12), random.uniform(0, 2 * math.pi)
    turns = random.uniform(1, 3) * math.pi / half_length

    def distance(y: Image, x: Image) -> Image:
        u, v = _turn(y, x, angle)
        middle = bend * (u**2 / half_length - half_length / 3) + wave * half_length * np.sin(turns * u + phase)
        slope = 2 * bend * u / half_length + wave * half_length * turns * np.cos(turns * u + phase)
        return np.asarray(np.minimum(half_width - np.abs(v - middle) / np.hypot(1, slope), half_length - np.abs(u)))

    return Shape(row, column, half_length * (1 + abs(bend) + abs(wave)) + half_width, distance)


def draw_shape(random: RandomState, size: tuple[int, int], radius: float) -> Shape:
    """Draw a shape of some radius anywhere on an image, or half outside."""
    row, column = random.uniform(0, size[0]), random.uniform(0, size[1])
    angle, ratio = random.uniform(0, math.pi), math.sqrt(random.uniform(1, 3))
    kind = random.random_sample()
    if kind < 0.35:
        return ellipse(row, column, (radius * ratio, radius / ratio), angle)
    if kind < 0.6:
        return blob(random, row, column, radius)
    if kind < 0.75:
        return rectangle(row, column, (radius * ratio, radius / ratio), angle)
    return strip(random, row, column, 2 * radius, max(0.6, radius * random.uniform(0.1, 0.4)))


def _turn(y: Image, x: Image, angle: float) -> tuple[Image, Image]:
    cosine, sine = math.cos(angle), math.sin(angle)
    return y * cosine + x * sine, x * cosine - y * sine
