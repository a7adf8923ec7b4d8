"""Dead leaves of optical coherence tomography: layers of a retina, with what disturbs them."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState

from monai_gan_denoise.transforms.leaves.canvas import Canvas
from monai_gan_denoise.transforms.leaves.fields import Image, blur, draw_curve, draw_field
from monai_gan_denoise.transforms.leaves.shapes import blob, draw_radii, draw_shape, ellipse

__all__ = ["draw_oct"]

# Reflectivity of the retina's layers in gray levels of a display, and their thickness in pixels, lowest and highest
# each; the order of Staurenghi et al., "Proposed lexicon for anatomic landmarks in normal posterior segment
# spectral-domain OCT", Ophthalmology 121, 2014.
LAYERS = (
    (0.50, 0.95, 3, 22),  # nerve fibers
    (0.35, 0.65, 6, 18),  # ganglion cells
    (0.45, 0.75, 5, 14),  # inner plexiform
    (0.15, 0.40, 5, 14),  # inner nuclear
    (0.35, 0.65, 3, 9),  # outer plexiform
    (0.08, 0.30, 8, 24),  # outer nuclear
    (0.45, 0.70, 1, 3),  # external limiting membrane
    (0.20, 0.45, 2, 6),
    (0.75, 1.00, 2, 5),  # ellipsoid zone
    (0.35, 0.60, 2, 6),
    (0.80, 1.00, 3, 7),  # pigment epithelium
)


def draw_oct(random: RandomState, size: tuple[int, int]) -> Image:
    """Draw a B-scan without speckle, ``size``, in [0, 1]."""
    rows = np.arange(size[0], dtype=np.float32)[:, None]
    floor = random.choice([0.0, random.uniform(0.02, 0.2)])
    canvas = Canvas(size, floor)
    top = size[0] * random.uniform(0.15, 0.45) + random.uniform(2, 18) * draw_curve(random, size[1], 120)
    top = top + random.uniform(-0.15, 0.15) * (np.arange(size[1]) - size[1] / 2)
    surface = top
    for border, value in _stack_layers(random, top):
        canvas.blend(np.clip((rows - border) / random.uniform(1, 2.5) + 0.5, 0, 1), value)
        surface = border
    _fill_choroid(random, canvas, rows - surface)
    retina = np.clip(rows - top + 0.5, 0, 1)
    _disturb(random, canvas, top, surface)
    if random.random_sample() < 0.4:
        _scatter(random, canvas)
    shadow = np.ones(size, dtype=np.float32)
    for _ in range(random.randint(0, 6)):
        column, half = random.uniform(0, size[1]), random.uniform(1.5, 8)
        across = np.exp(-(((np.arange(size[1]) - column) / half) ** 2))
        start = float(np.interp(column, np.arange(size[1]), top)) + random.uniform(3, 12)
        canvas.lay(ellipse(start, column, (half, half), 0), random.uniform(0.5, 0.9), 2)
        shadow *= (1 - random.uniform(0.3, 0.9) * across * np.clip((rows - start - half) / 4, 0, 1)).astype(np.float32)
    across_gain = 1 + random.uniform(0, 0.2) * draw_curve(random, size[1], random.uniform(30, 150))
    gain = shadow * across_gain * np.exp(-random.uniform(0, 0.004) * (rows - top).clip(0))
    canvas.image = floor + (canvas.image - floor) * (1 + retina * (gain - 1))
    return np.clip(blur(np.asarray(canvas.image, dtype=np.float32), random.uniform(0.3, 0.9)), 0, 1)


def _stack_layers(random: RandomState, top: Image) -> list[tuple[Image, float]]:
    """Draw where each layer begins, ``(W,)``, and how bright it is; at a fovea the inner ones grow thin."""
    columns = np.arange(len(top))
    middle, wide = random.uniform(-0.3, 1.3) * len(top), random.uniform(20, 70)
    pit = 1 - random.uniform(0.5, 1) * np.exp(-(((columns - middle) / wide) ** 2)) * (random.random_sample() < 0.5)
    scale = random.uniform(0.5, 1.4)
    borders, border = [], top + 0
    for number, (dark, bright, thin, thick) in enumerate(LAYERS):
        borders.append((border, float(random.uniform(dark, bright))))
        width = scale * random.uniform(thin, thick) * np.clip(1 + 0.15 * draw_curve(random, len(top), 60), 0.3, 2)
        border = border + width * (pit if number < 5 else 1)
    return [*borders, (border, float(random.uniform(0.3, 0.6)))]


def _fill_choroid(random: RandomState, canvas: Canvas, depth: Image) -> None:
    """Fill what lies below the retina: vessels with dark lumina, fading with depth."""
    below = Canvas(canvas.size, random.uniform(0.35, 0.7))
    for radius in draw_radii(random, 3, 25, random.randint(40, 150)):
        place = (random.uniform(0, canvas.size[0]), random.uniform(0, canvas.size[1]))
        shape = ellipse(*place, (radius * random.uniform(0.4, 0.8), radius), random.normal(0, 0.2))
        below.lay(shape, random.uniform(0.1, 0.8), random.uniform(1.5, 5))
    fading = np.exp(-depth.clip(0) / random.uniform(25, 120))
    canvas.blend(np.clip(depth + 0.5, 0, 1), below.image * fading.astype(np.float32))


def _disturb(random: RandomState, canvas: Canvas, top: Image, bottom: Image) -> None:
    """Add drusen, pockets of fluid, bright points and a membrane in front."""
    columns = len(top)
    for _ in range(random.choice([0, 1, 3, 8])):  # drusen lie under the pigment epithelium
        column, radius = random.randint(columns), random.uniform(3, 14)
        canvas.lay(ellipse(bottom[column], column, (radius * 0.8, radius * 1.5), 0), random.uniform(0.7, 1))
        canvas.lay(
            ellipse(bottom[column] + 2, column, (radius * 0.8 - 2, radius * 1.5 - 2), 0), random.uniform(0.3, 0.6)
        )
    for _ in range(random.choice([0, 0, 2, 12])):
        column, share = random.randint(columns), random.uniform(0.15, 0.8)
        row = top[column] * (1 - share) + bottom[column] * share
        canvas.lay(blob(random, row, column, float(draw_radii(random, 3, 22, 1)[0])), random.uniform(0.02, 0.2), 1.5)
    for radius in draw_radii(random, 0.7, 3, random.randint(0, 30)):
        column, share = random.randint(columns), random.uniform(0, 1)
        row = top[column] * (1 - share) + bottom[column] * share
        canvas.lay(ellipse(row, column, (radius, radius), 0), random.uniform(0.7, 1))
    if random.random_sample() < 0.3:
        rows = np.arange(canvas.size[0], dtype=np.float32)[:, None]
        line = top - random.uniform(4, 40) + random.uniform(1, 6) * draw_curve(random, columns, 80)
        canvas.blend(np.clip(random.uniform(0.5, 1.5) - np.abs(rows - line), 0, 1), random.uniform(0.25, 0.6))


def _scatter(random: RandomState, canvas: Canvas) -> None:
    """Lay leaves over all, faint and strong: scars, tissues of other organs."""
    texture = draw_field(random, canvas.size, random.uniform(20, 80))
    canvas.image *= 1 + np.float32(0.1) * texture
    for radius in draw_radii(random, 3, 60, random.randint(10, 90)):
        shape = draw_shape(random, canvas.size, radius)
        row, column = (
            int(np.clip(place, 0, length - 1))
            for place, length in zip((shape.row, shape.column), canvas.size, strict=True)
        )
        near = float(canvas.image[row, column]) + random.normal(0, 0.08)
        value = near if random.random_sample() < 0.6 else random.uniform(0.02, 0.95)
        canvas.lay(shape, float(np.clip(value, 0, 1)), random.uniform(1, 4))
