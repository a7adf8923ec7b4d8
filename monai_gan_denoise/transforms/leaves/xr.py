"""Dead leaves of radiography: the sum of absorbers whose thickness is smooth, through Beer's law."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.canvas import Canvas, cover_of
from monai_gan_denoise.transforms.leaves.fields import Image, blur, draw_field
from monai_gan_denoise.transforms.leaves.shapes import Shape, draw_radii, draw_shape, ellipse, rectangle, strip
from monai_gan_denoise.transforms.leaves.vessels import draw_tree

__all__ = ["draw_xr"]

LETTERS = ("10110101", "11101001", "11010110", "01110011")  # strokes of markers: which of eight bars are there


def draw_xr(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw a radiograph, ``size``, in [0, 1], what absorbs most being bright."""
    path = np.full(size, random.uniform(0.2, 1.5), dtype=np.float32)  # attenuation lengths
    kind = random.random_sample()
    if kind < 0.45:
        _draw_chest(random, path)
    elif kind < 0.7:
        path = _draw_limb(random, size)
    _add_absorbers(random, path, random.randint(20, 160))
    for _ in range(random.randint(0, 4)):
        root = (random.uniform(0, size[0]), random.uniform(0, size[1]))
        tree = draw_tree(random, size, root, random.uniform(0, 2 * math.pi), random.uniform(2, 6))
        path += np.float32(random.uniform(-0.08, 0.25)) * blur(tree, random.uniform(0.5, 1.2))
    path = np.clip(path + random.uniform(0, 0.2) * draw_field(random, size, random.uniform(60, 200)), 0, None)
    path = blur(path, random.uniform(0.3, 0.7))
    image = 1 - np.exp(-random.uniform(0.6, 1.5) * path)
    image = (image - image.min()) / (image.max() - image.min())
    canvas = Canvas(size)
    canvas.image = np.asarray(
        random.uniform(0, 0.1) + random.uniform(0.7, 0.9) * image ** random.uniform(0.7, 1.4), np.float32
    )
    _add_markers(random, canvas)
    if random.random_sample() < 0.3:
        half = (size[0] * random.uniform(0.38, 0.5), size[1] * random.uniform(0.36, 0.5))
        opened = cover_of(size, rectangle(size[0] / 2, size[1] / 2, half, random.normal(0, 0.04)))
        canvas.blend(1 - opened, random.choice([0.0, 0.0, 1.0]))
    return np.clip(canvas.image, 0, 1)


def _add_thickness(path: Image, shape: Shape, radius: float, value: float, hollow: float = 0.0) -> None:
    """Add a round body: its thickness is that of a circle across the border, less that of a hole in it."""
    box = _box(path, shape)
    if box is None:
        return
    y = (np.arange(box[0].start, box[0].stop, dtype=np.float32) - shape.row)[:, None]
    x = (np.arange(box[1].start, box[1].stop, dtype=np.float32) - shape.column)[None]
    far = np.clip(1 - shape.distance(y, x) / radius, 0, None)  # from the middle, in radii
    thickness = np.sqrt(np.clip(1 - far**2, 0, None))
    if hollow:
        thickness -= np.sqrt(np.clip(hollow**2 - far**2, 0, None))
    path[box] += (value * thickness).astype(np.float32)


def _box(path: Image, shape: Shape) -> tuple[slice, slice] | None:
    ends = [
        (max(0, math.floor(center - shape.reach)), min(length, math.ceil(center + shape.reach) + 1))
        for center, length in zip((shape.row, shape.column), path.shape, strict=True)
    ]
    return None if any(first >= last for first, last in ends) else (slice(*ends[0]), slice(*ends[1]))


def _add_absorbers(random: RandomState, path: Image, count: int) -> None:
    """Add and take away bodies of all sizes, round and flat; gas takes away."""
    size = (path.shape[0], path.shape[1])
    flat = Canvas(size)
    for radius in np.concatenate([random.uniform(30, 120, 5), draw_radii(random, random.uniform(2.5, 7), 110, count)]):
        value = random.normal(0, 0.12) * min(1.0, (radius / 40) ** 0.5)
        shape = draw_shape(random, size, radius)
        if random.random_sample() < 0.6:
            _add_thickness(path, shape, _depth(shape), value)
        else:
            flat.add(shape, value * 0.6, random.uniform(1, 4))
    path += flat.image
    np.clip(path, 0.02, None, out=path)


def _depth(shape: Shape) -> float:
    """Find how far the border is from the center, at most."""
    zero = np.zeros((1, 1), dtype=np.float32)
    return float(max(0.7, min(shape.distance(zero, zero).item(), shape.reach)))


def _draw_chest(random: RandomState, path: Image) -> None:
    """Draw thorax, lungs with vessels, mediastinum, spine and ribs."""
    rows, columns = path.shape
    size = (rows, columns)
    middle = columns * random.uniform(0.4, 0.6)
    path += blur(cover_of(size, ellipse(rows / 2, middle, (rows * 0.7, columns * 0.45), 0), 25), 2) * np.float32(0.6)
    for side in (-1, 1):
        column = middle + side * columns * random.uniform(0.2, 0.26)
        lung = ellipse(rows * random.uniform(0.4, 0.55), column, (rows * 0.36, columns * 0.16), -side * 0.08)
        air = cover_of(size, lung, random.uniform(4, 16))
        path -= np.float32(random.uniform(0.25, 0.5)) * path * air
        root = (rows * 0.45, middle + side * columns * 0.07)
        for _ in range(random.randint(2, 5)):
            tree = draw_tree(random, size, root, side * math.pi / 2 + random.normal(0, 0.8), random.uniform(3, 8))
            path += np.float32(random.uniform(0.05, 0.2)) * blur(tree, 0.8) * air
        bright, thick = random.uniform(0.08, 0.3), random.uniform(4, 8)
        for rib in range(random.randint(5, 9)):
            _add_rib(path, (rows * (0.05 + 0.12 * rib), column), side, bright, thick)
    for number in range(int(rows / 28) + 1):
        body = rectangle(28 * number + random.normal(0, 1), middle, (11, 15), 0)
        flat = Canvas(size)
        flat.add(body, random.uniform(0.25, 0.4), 3)
        path += flat.image
    heart = ellipse(rows * 0.62, middle + columns * random.uniform(0, 0.08), (rows * 0.2, columns * 0.16), 0.6)
    _add_thickness(path, heart, min(rows * 0.2, columns * 0.16), random.uniform(0.3, 0.8))


def _add_rib(path: Image, place: tuple[float, float], side: int, bright: float, thick: float) -> None:
    """Add a rib that falls outward: a hollow tube along an arc."""

    def distance(y: Image, x: Image) -> Image:
        middle = 0.25 * side * x + 0.004 * x**2
        return np.asarray(np.minimum(thick - np.abs(y - middle) / np.hypot(1, 0.25 * side + 0.008 * x), 55 - np.abs(x)))

    _add_thickness(path, Shape(*place, 70, distance), thick, bright, hollow=0.7)


def _draw_limb(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw soft tissue in air, around long bones: hollow tubes, wide at their ends."""
    path = np.zeros(size, dtype=np.float32)
    angle = random.normal(0, 0.3)
    wide, middle = size[1] * random.uniform(0.2, 0.42), (size[0] / 2, size[1] * random.uniform(0.4, 0.6))
    _add_thickness(path, rectangle(*middle, (2 * size[0], wide), angle), wide, random.uniform(0.4, 1.0))
    for _ in range(random.randint(1, 4)):
        radius, length = random.uniform(8, 26), random.uniform(60, 200)
        shift = random.uniform(-0.6, 0.6) * wide
        place = (middle[0] + random.normal(0, 60), middle[1] + shift)
        bone, hollow = random.uniform(0.5, 1.5), random.uniform(0.5, 0.85)
        _add_thickness(path, rectangle(*place, (length, radius), angle + random.normal(0, 0.05)), radius, bone, hollow)
        for end in (-1, 1):
            knob = (place[0] + end * length * math.cos(angle), place[1] + end * length * math.sin(angle))
            _add_thickness(path, ellipse(*knob, (radius, 1.5 * radius), angle), radius, bone * 0.6)
    grain = draw_field(random, size, random.uniform(2.5, 5)) * np.float32(random.uniform(0, 0.03))
    return np.asarray(path * (1 + grain * (path > 0.8)), dtype=np.float32)


def _add_markers(random: RandomState, canvas: Canvas) -> None:
    """Add, now and then, wires, clips and the letters of a marker."""
    if random.random_sample() < 0.3:
        for _ in range(random.randint(1, 4)):
            place = (random.uniform(0, canvas.size[0]), random.uniform(0, canvas.size[1]))
            wire = strip(random, *place, random.uniform(20, 140), random.uniform(0.5, 1.6))
            canvas.lay(wire, random.uniform(0.7, 1))
    if random.random_sample() < 0.3:
        row, column = (float(random.uniform(20, length - 20)) for length in canvas.size)
        high, thick = random.uniform(5, 12), random.uniform(0.8, 1.8)
        bars = ((0, -1, 1), (0, 1, 1), (-1, 0, 0), (0, 0, 0), (1, 0, 0))
        strokes = LETTERS[random.randint(len(LETTERS))]
        for stroke, (down, right, upright) in zip(strokes, bars, strict=False):
            halves = (high, thick) if upright else (thick, high / 2)
            if stroke == "1":
                canvas.lay(rectangle(row + down * high, column + right * high / 2, halves, 0), 1.0)
