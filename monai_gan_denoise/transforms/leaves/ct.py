"""Dead leaves of computed tomography: tissues in HU, bodies in air, lungs with their vessels."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.canvas import Canvas, Paint, cover_of
from monai_gan_denoise.transforms.leaves.fields import Image, blur, draw_field
from monai_gan_denoise.transforms.leaves.shapes import blob, draw_radii, draw_shape, ellipse, rectangle, strip
from monai_gan_denoise.transforms.leaves.vessels import draw_tree

__all__ = ["draw_ct"]

AIR = -1000.0
# HU of tissues, lowest and highest, and how often a leaf shows them; after any textbook of radiology.
TISSUES = (
    ("air", AIR, AIR, 0.05),
    ("lung", -850.0, -600.0, 0.10),
    ("fat", -120.0, -80.0, 0.20),
    ("soft", 0.0, 80.0, 0.40),
    ("contrast", 100.0, 400.0, 0.12),
    ("bone", 200.0, 1500.0, 0.13),
)
FAINT = (3.0, 30.0)  # HU between neighbors of soft tissue


def draw_ct(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw an image in HU, ``size``."""
    kind = random.random_sample()
    canvas = Canvas(size, random.uniform(0, 60))
    if kind < 0.3:
        _scatter(random, canvas, faint=0.15, count=(80, 260))
    elif kind < 0.55:
        _scatter(random, canvas, faint=0.85, count=(40, 200))
    elif kind < 0.65:
        canvas.image = _draw_lung(random, size)
    else:
        _scatter(random, canvas, faint=0.8, count=(80, 260))
        if random.random_sample() < 0.6:
            _open_lungs(random, canvas)
        _set_bones(random, canvas)
        _surround(random, canvas)
    for _ in range(random.randint(0, 4)):
        root = (random.uniform(0, size[0]), random.uniform(0, size[1]))
        tree = draw_tree(random, size, root, random.uniform(0, 2 * math.pi), random.uniform(1.5, 5))
        canvas.blend(tree * (canvas.image > -900), random.uniform(60, 350))
    return blur(canvas.image, random.uniform(0.3, 0.7))


def _scatter(random: RandomState, canvas: Canvas, faint: float, count: tuple[int, int]) -> None:
    """Lay leaves of all tissues; of those of soft tissue a share ``faint`` differs from the base by little."""
    base = float(canvas.image.flat[0])
    texture = draw_field(random, canvas.size, random.uniform(3, 20))
    number = random.randint(count[0], count[1] + 1)
    radii = np.concatenate([random.uniform(20, 120, 8), draw_radii(random, random.uniform(2.5, 7), 120, number)])
    for radius in radii:
        if random.random_sample() < faint:
            value = base + random.choice([-1, 1]) * random.uniform(*FAINT)
        else:
            value = _draw_tissue(random)
        steep = random.normal(0, 20 / radius, 2) if random.random_sample() < 0.25 else (0.0, 0.0)
        rough = texture * np.float32(random.uniform(2, 15)) if random.random_sample() < 0.12 else None
        edge = 1.0 if random.random_sample() < 0.7 else random.uniform(1, max(2, radius / 3))
        paint = Paint(value, (float(steep[0]), float(steep[1])), rough)
        canvas.lay(draw_shape(random, canvas.size, radius), paint, edge)


def _draw_tissue(random: RandomState) -> float:
    _, low, high, _ = TISSUES[random.choice(len(TISSUES), p=[share for *_, share in TISSUES])]
    return float(random.uniform(low, high))


def _draw_lung(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw lung everywhere, with trees of vessels, bronchi, and the discs that vessels across the slice are."""
    inside = Canvas(size, random.uniform(-880, -750))
    inside.image += np.float32(random.uniform(0, 12)) * draw_field(random, size, random.uniform(20, 80))
    for _ in range(random.randint(0, 4)):
        dense = random.uniform(-600, 40)
        inside.lay(blob(random, *_place(random, size), random.uniform(4, 30)), dense, random.uniform(1, 20))
    for _ in range(random.randint(3, 8)):
        tree = draw_tree(random, size, _place(random, size), random.uniform(0, 2 * math.pi), random.uniform(2, 6))
        inside.blend(tree, random.uniform(-100, 60))
    for radius in draw_radii(random, 0.6, 7, random.randint(100, 500)):
        ratio = random.uniform(0.6, 1)
        disc = ellipse(*_place(random, size), (radius / ratio, radius * ratio), random.uniform(0, math.pi))
        inside.lay(disc, random.uniform(-300, 60))
        if radius > 2.5 and random.random_sample() < 0.3:  # a bronchus beside its artery
            inside.lay(ellipse(disc.row + 2 * radius, disc.column, (radius, radius), 0), random.uniform(-500, 0))
            inside.lay(ellipse(disc.row + 2 * radius, disc.column, (radius - 1.5, radius - 1.5), 0), AIR)
    return inside.image


def _open_lungs(random: RandomState, canvas: Canvas) -> None:
    """Put two lungs on the canvas."""
    rows, columns = canvas.size
    inside = _draw_lung(random, canvas.size)
    for side in (-1, 1):
        center = (rows * random.uniform(0.42, 0.55), columns * (0.5 + side * random.uniform(0.2, 0.25)))
        radii = (rows * random.uniform(0.18, 0.32), columns * random.uniform(0.12, 0.18))
        canvas.blend(cover_of(canvas.size, ellipse(*center, radii, side * random.uniform(0, 0.2))), inside)


def _set_bones(random: RandomState, canvas: Canvas) -> None:
    """Put a vertebra and ribs on the canvas: a dense shell around marrow."""
    rows, columns = canvas.size
    shell, marrow = random.uniform(500, 1500), random.uniform(120, 350)
    grain = Paint(marrow, texture=draw_field(random, canvas.size, random.uniform(2.5, 6)) * random.uniform(0, 60))
    row, column = rows * random.uniform(0.65, 0.78), columns * random.uniform(0.45, 0.55)
    radius, thick = random.uniform(14, 28), random.uniform(1.5, 4)
    canvas.lay(ellipse(row, column, (radius * 0.8, radius), 0), shell)
    canvas.lay(ellipse(row, column, (radius * 0.8 - thick, radius - thick), 0), grain)
    canvas.lay(ellipse(row + radius * 1.1, column, (radius * 0.4, radius * 0.5), 0), 20.0)
    for _ in range(random.randint(2, 9)):
        angle, length, width = random.uniform(0, 2 * math.pi), random.uniform(6, 25), random.uniform(2, 6)
        place = (rows * (0.5 + 0.34 * math.cos(angle)), columns * (0.5 + 0.42 * math.sin(angle)))
        canvas.lay(ellipse(*place, (width, length), -angle), shell)
        canvas.lay(ellipse(*place, (max(0.8, width - thick), max(1.5, length - thick)), -angle), marrow)


def _surround(random: RandomState, canvas: Canvas) -> None:
    """Wrap the body into muscle, fat and skin, and put it into air, at times on a table."""
    rows, columns = canvas.size
    row, column = rows * random.uniform(0.47, 0.53), columns * random.uniform(0.48, 0.52)
    radii = (rows * random.uniform(0.36, 0.46), columns * random.uniform(0.42, 0.52))
    body = Canvas(canvas.size, AIR)
    if random.random_sample() < 0.6:
        table = strip(RandomState(random.randint(2**31)), rows * 0.97, columns / 2, columns * 0.45, 1.5)
        body.lay(
            table if random.random_sample() < 0.3 else rectangle(rows * 0.97, columns / 2, (2, columns / 2), 0), -250
        )
    inset = 0.0
    layers = (
        (1.5, random.uniform(-20, 40)),
        (random.uniform(3, 22), random.uniform(-120, -90)),
        (random.uniform(3, 9), 55.0),
    )
    for thick, value in layers:
        body.lay(ellipse(row, column, (radii[0] - inset, radii[1] - inset), 0), value)
        inset += thick
    cavity = cover_of(canvas.size, ellipse(row, column, (radii[0] - inset, radii[1] - inset), 0))
    body.blend(cavity, canvas.image)
    canvas.image = body.image


def _place(random: RandomState, size: tuple[int, int]) -> tuple[float, float]:
    return float(random.uniform(0, size[0])), float(random.uniform(0, size[1]))
