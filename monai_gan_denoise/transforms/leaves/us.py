"""Dead leaves of ultrasound: echogenicity in the gray levels of a display, in the field of view of a probe."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.canvas import Canvas, Paint, cover_of
from monai_gan_denoise.transforms.leaves.fields import Image, blur, draw_curve, draw_field
from monai_gan_denoise.transforms.leaves.shapes import blob, draw_radii, draw_shape, ellipse, rectangle, strip

__all__ = ["draw_us"]


def draw_us(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw a B-mode image without speckle, ``size``, in [0, 1]; exactly 0 outside the field of view."""
    canvas = Canvas(size, random.uniform(0.2, 0.5))
    if random.random_sample() < 0.6:
        _lay_layers(random, canvas)
    _scatter(random, canvas)
    if random.random_sample() < 0.25:
        _set_skull(random, canvas)
    for _ in range(random.randint(0, 4)):
        _sink_cyst(random, canvas)
    depth = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    _draw_interfaces(random, canvas)
    for _ in range(random.randint(0, 3)):
        _cast_shadow(random, canvas)
    image = canvas.image * (1 + random.uniform(-0.5, 0.2) * depth)
    if random.random_sample() < 0.5:
        image = image * np.exp(random.uniform(0.03, 0.2) * draw_field(random, size, random.uniform(60, 200)))
    image = blur(image, random.uniform(0.3, 0.7))
    return np.clip(image, 0, 1) * _field_of_view(random, size)


def _lay_layers(random: RandomState, canvas: Canvas) -> None:
    """Lay skin, fat, fasciae and muscle: bands across the beam, with a bright line between some."""
    rows = np.arange(canvas.size[0], dtype=np.float32)[:, None]
    top = random.uniform(0, 15)
    while top < canvas.size[0] * random.uniform(0.4, 1.2):
        border = top + random.uniform(0.5, 6) * draw_curve(random, canvas.size[1], random.uniform(40, 160))
        canvas.blend(np.clip(rows - border + 0.5, 0, 1), random.uniform(0.08, 0.7))
        if random.random_sample() < 0.5:
            thick = random.uniform(0.6, 2.5)
            canvas.blend(np.clip(thick - np.abs(rows - border), 0, 1), random.uniform(0.6, 1))
        top += random.uniform(6, 60)


def _scatter(random: RandomState, canvas: Canvas) -> None:
    """Lay organs and lesions, most of them brighter or darker than what they lie in by little."""
    count = random.randint(20, 160)
    for radius in np.concatenate([random.uniform(25, 100, 5), draw_radii(random, random.uniform(2.5, 7), 90, count)]):
        faint = random.random_sample() < 0.6
        value = float(canvas.image.mean()) + random.normal(0, 0.06) if faint else random.uniform(0.02, 0.9)
        steep = random.normal(0, 0.08 / radius, 2) if random.random_sample() < 0.25 else (0.0, 0.0)
        edge = random.uniform(1, 4) if random.random_sample() < 0.8 else random.uniform(2, max(3, radius / 2))
        shape = draw_shape(random, canvas.size, radius)
        canvas.lay(shape, Paint(float(np.clip(value, 0, 1)), (float(steep[0]), float(steep[1]))), edge)


def _set_skull(random: RandomState, canvas: Canvas) -> None:
    """Put the skull of a fetus on the canvas: a thin bright ring around what is darker."""
    center = (canvas.size[0] * random.uniform(0.4, 0.6), canvas.size[1] * random.uniform(0.4, 0.6))
    radii, angle = random.uniform(60, 120, 2), random.uniform(0, math.pi)
    thick, inside = random.uniform(1.5, 5), random.uniform(0.05, 0.3)
    drawn = canvas.image * np.float32(0.5) + np.float32(inside / 2)
    canvas.lay(ellipse(*center, (radii[0], radii[1]), angle), random.uniform(0.7, 1), 2)
    canvas.blend(cover_of(canvas.size, ellipse(*center, (radii[0] - thick, radii[1] - thick), angle), 2), drawn)
    canvas.lay(rectangle(*center, (0.7 * radii[0], 0.7), angle), random.uniform(0.4, 0.8))


def _sink_cyst(random: RandomState, canvas: Canvas) -> None:
    """Lay a dark cyst, with what lies behind it brighter, as nothing was lost on the way."""
    row, column, radius = *_place(random, canvas.size), float(draw_radii(random, 5, 50, 1)[0]) + 3
    rows = np.arange(canvas.size[0], dtype=np.float32)[:, None] - row
    columns = np.arange(canvas.size[1], dtype=np.float32)[None] - column
    behind = np.clip(rows / radius, 0, 1) * np.exp(-rows.clip(0) / 120) * np.exp(-((columns / (0.7 * radius)) ** 2))
    canvas.image *= 1 + np.float32(random.uniform(0, 0.5)) * behind
    canvas.lay(
        blob(random, row, column, radius, 0.06), random.choice([0.0, random.uniform(0.01, 0.1)]), random.uniform(1, 3)
    )


def _draw_interfaces(random: RandomState, canvas: Canvas) -> None:
    """Draw thin bright curves where the beam is thrown back, and points."""
    for _ in range(random.randint(2, 12)):
        shape = strip(random, *_place(random, canvas.size), random.uniform(8, 80), random.uniform(0.5, 2.2))
        canvas.lay(shape, random.uniform(0.55, 1), random.uniform(1, 2))
    for radius in draw_radii(random, 0.7, 4, random.randint(0, 25)):
        canvas.lay(ellipse(*_place(random, canvas.size), (radius, radius * 1.5), 0), random.uniform(0.5, 1))


def _cast_shadow(random: RandomState, canvas: Canvas) -> None:
    """Darken what lies behind a bright stone or bone."""
    row, column, half = *_place(random, canvas.size), random.uniform(3, 25)
    rows = np.arange(canvas.size[0], dtype=np.float32)[:, None] - row
    columns = np.arange(canvas.size[1], dtype=np.float32)[None] - column
    across = np.clip((half * (1 + rows.clip(0) / 400) - np.abs(columns)) / random.uniform(2, 8) + 0.5, 0, 1)
    canvas.image *= 1 - np.float32(random.uniform(0.4, 1)) * across * np.clip(rows / 6, 0, 1)
    canvas.lay(ellipse(row, column, (random.uniform(1.5, 4), half), 0), random.uniform(0.7, 1), 1.5)


def _field_of_view(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw the sector of a curved or phased probe, or the rectangle of a linear one; 1 inside, exactly 0 outside."""
    kind, (rows, columns) = random.random_sample(), size
    if kind < 0.25:
        return np.ones(size, dtype=np.float32)
    if kind < 0.45:
        half = (rows * random.uniform(0.4, 0.5), columns * random.uniform(0.3, 0.48))
        return cover_of(size, rectangle(rows / 2, columns / 2, half, 0))
    apex, opening = rows * random.uniform(-0.5, 0.05), random.uniform(0.45, 0.85)
    y = np.arange(rows, dtype=np.float32)[:, None] - apex
    x = np.arange(columns, dtype=np.float32)[None] - columns * random.uniform(0.45, 0.55)
    reach, angle = np.hypot(y, x), np.arctan2(x, y)
    near, far = max(4.0, rows * random.uniform(0.02, 0.1) - apex), rows * random.uniform(0.92, 1.05) - apex
    inside = np.minimum(np.minimum(reach - near, far - reach), (opening - np.abs(angle)) * reach)
    return np.asarray(np.clip(inside + 0.5, 0, 1), dtype=np.float32)


def _place(random: RandomState, size: tuple[int, int]) -> tuple[float, float]:
    return float(random.uniform(0, size[0])), float(random.uniform(0, size[1]))
