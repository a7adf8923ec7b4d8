"""Dead leaves of magnetic resonance: contrasts of tissue in a bias field, a folded cortex, nothing outside."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.canvas import Canvas, Paint, cover_of
from monai_gan_denoise.transforms.leaves.fields import Image, blur, draw_field
from monai_gan_denoise.transforms.leaves.shapes import Shape, blob, draw_radii, draw_shape, ellipse
from monai_gan_denoise.transforms.leaves.vessels import draw_tree

__all__ = ["draw_mr"]


def draw_mr(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw a magnitude image, ``size``, at or above 0; in most images it is exactly 0 outside a head or a body."""
    kind = random.random_sample()
    canvas = Canvas(size, random.uniform(0.1, 0.6))
    outside: Image | None = None
    if kind < 0.45:
        outside = _draw_head(random, canvas)
    else:
        _scatter(random, canvas, random.randint(40, 220))
        if kind < 0.8:
            outside = _wrap(random, canvas)
    for _ in range(random.randint(0, 3)):
        root = (random.uniform(0, size[0]), random.uniform(0, size[1]))
        tree = draw_tree(random, size, root, random.uniform(0, 2 * math.pi), random.uniform(1.5, 4))
        canvas.blend(tree, random.choice([0.03, 0.95]))
    image = blur(canvas.image, random.uniform(0.3, 0.7))
    if random.random_sample() < 0.7:
        image = image * np.exp(random.uniform(0.03, 0.25) * draw_field(random, size, random.uniform(100, 300)))
    if outside is not None:
        image = image * outside
    return np.clip(image, 0, None) / max(1.0, float(image.max()))


def _scatter(random: RandomState, canvas: Canvas, count: int) -> None:
    """Lay leaves of a few intensities, as few tissues make a contrast."""
    tissues = random.uniform(0.02, 0.95, random.randint(3, 8))
    texture = draw_field(random, canvas.size, random.uniform(3, 20))
    for radius in np.concatenate([random.uniform(30, 110, 8), draw_radii(random, random.uniform(2, 7), 110, count)]):
        value = float(np.clip(random.choice(tissues) + random.normal(0, 0.02), 0.01, 1))
        steep = random.normal(0, 0.1 / radius, 2) if random.random_sample() < 0.2 else (0.0, 0.0)
        rough = texture * np.float32(0.1 * value * random.random_sample()) if random.random_sample() < 0.15 else None
        edge = 1.0 if random.random_sample() < 0.75 else random.uniform(1, max(2, radius / 3))
        canvas.lay(
            draw_shape(random, canvas.size, radius), Paint(value, (float(steep[0]), float(steep[1])), rough), edge
        )


def _wrap(random: RandomState, canvas: Canvas) -> Image:
    """Wrap what is drawn into fat and skin; return where the body is."""
    rows, columns = canvas.size
    radius = random.uniform(0.38, 0.55) * min(rows, columns)
    state = random.get_state()
    shapes: list[Shape] = []
    thick = random.uniform(4, 20)
    for size in (radius, radius - thick, radius - 1.6 * thick):
        random.set_state(state)
        shapes.append(blob(random, rows / 2, columns / 2, size, 0.08))
    inner = cover_of(canvas.size, shapes[2])
    drawn = canvas.image.copy()
    canvas.lay(shapes[0], random.uniform(0.5, 1.0))
    canvas.lay(shapes[1], random.uniform(0.1, 0.4))
    canvas.blend(inner, drawn)
    return cover_of(canvas.size, shapes[0])


def _draw_head(random: RandomState, canvas: Canvas) -> Image:
    """Draw scalp, skull, liquor, a folded cortex, white matter, ventricles, nuclei; return where the head is."""
    rows, columns = canvas.size
    center = (rows * random.uniform(0.47, 0.53), columns * random.uniform(0.47, 0.53))
    tall, wide = rows * random.uniform(0.40, 0.47), columns * random.uniform(0.32, 0.42)
    contrasts = ((0.12, 0.48, 0.75), (0.95, 0.60, 0.42), (0.08, 0.70, 0.55), (0.75, 0.80, 0.62))  # T1, T2, FLAIR, PD
    liquor, gray, white = np.clip(np.asarray(contrasts[random.randint(4)]) + random.normal(0, 0.05, 3), 0.02, 1)
    fold = _folds(random)
    canvas.image[:] = random.uniform(0.5, 1.0)
    for inset, value in ((random.uniform(4, 12), 0.04), (random.uniform(14, 20), liquor)):
        canvas.lay(ellipse(*center, (tall - inset, wide - inset), 0), value)
    thick = random.uniform(5, 10)
    for inset, deep, value in ((22, 2.5, gray), (22 + thick, 6.0, white)):
        outline = ellipse(*center, (tall - inset, wide - inset), 0)
        canvas.lay(_folded(outline, fold, deep), float(value))
    texture = draw_field(random, canvas.size, random.uniform(6, 30)) * np.float32(random.uniform(0, 0.03))
    for radius in draw_radii(random, 2, 20, random.randint(5, 60)):  # nuclei, lesions, spaces
        angle, far = random.uniform(0, 2 * math.pi), 0.6 * math.sqrt(random.random_sample())
        place = (center[0] + far * (tall - 30) * math.cos(angle), center[1] + far * (wide - 30) * math.sin(angle))
        value = random.choice([gray, white, liquor, random.uniform(0.05, 1)], p=[0.45, 0.2, 0.15, 0.2])
        edge = random.uniform(1, 4)
        canvas.lay(blob(random, *place, radius), Paint(float(value), texture=texture), edge)
    spread = random.uniform(0.06, 0.2)
    for side in (-1, 1):
        radii = (tall * random.uniform(0.2, 0.32), wide * random.uniform(0.05, 0.13))
        place = (center[0] - 0.05 * tall, center[1] + side * spread * wide)
        canvas.lay(ellipse(*place, radii, side * random.uniform(0.05, 0.35)), float(liquor), random.uniform(1, 2.5))
    return cover_of(canvas.size, ellipse(*center, (tall, wide), 0))


def _folds(random: RandomState) -> tuple[Image, Image, Image]:
    orders = random.randint(7, 27, 5)
    return orders, random.uniform(0, 2 * math.pi, 5), random.uniform(0.3, 1, 5)


def _folded(outline: Shape, folds: tuple[Image, Image, Image], deep: float) -> Shape:
    """Fold an outline: its border moves by some pixels with the angle, inward more than outward."""

    def distance(y: Image, x: Image) -> Image:
        angle = np.arctan2(y, x)
        bent = angle + 0.1 * np.sin(np.hypot(y, x) / 6)  # so that furrows curve on their way in
        wave = sum(size * np.cos(n * bent + phase) for n, phase, size in zip(*folds, strict=True))
        return np.asarray(outline.distance(y, x) - deep * np.minimum(np.square(wave), 3))

    return Shape(outline.row, outline.column, outline.reach, distance)
