"""Dead leaves as training images: content without noise, drawn for each modality from a seed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from numpy.random import RandomState
from torch import Tensor

from monai_gan_denoise.scans.modality import CT_RANGE, MODALITIES, known_modality
from monai_gan_denoise.transforms.leaves import draw_ct, draw_mr, draw_oct, draw_us, draw_xr
from monai_gan_denoise.transforms.leaves.fields import Image
from monai_gan_denoise.transforms.patches import SPACING_KEY

__all__ = ["LEAVES_KEY", "RenderDeadLeavesd", "render_dead_leaves"]

LEAVES_KEY = "dead_leaves"  # item that holds the seed of an image to be drawn
SIZE = (320, 320)
SPACING = (0.5, 0.95)  # mm; what CT slices of heads and bodies have
DRAWN: dict[str, Callable[[RandomState, tuple[int, int]], Image]] = {
    "ct": draw_ct,
    "mr": draw_mr,
    "xr": draw_xr,
    "us": draw_us,
    "oct": draw_oct,
}


def render_dead_leaves(seed: int, modality: str, size: Sequence[int] = SIZE) -> Tensor:
    """Draw an image of random overlapping shapes, as a modality could show them, without noise.

    Sizes follow ``r ** -3``, so that structures of all scales occur; borders are sharp or soft, most areas uniform,
    some with a gradient or a smooth texture. Example::

        image = render_dead_leaves(7, "ct")  # (1, 320, 320), 0 at -1024 HU and 1 at 1976 HU

    Args:
        seed: which image; the same seed gives the same bits.
        modality: one of ``MODALITIES``.
        size: rows and columns.

    Returns:
        Shape ``(1, *size)``, float32, in network units, from 0 to 1. Outside of a body MR is exactly 0, outside of the
        field of view ultrasound.

    Raises:
        ValueError: if the modality is unknown, the seed negative or a side shorter than 32 pixels.
    """
    if seed < 0 or min(size) < 32:
        raise ValueError(
            f"seed and size must be at least 0 and 32 x 32, got {seed} and {' x '.join(map(str, size))}. Raise them."
        )
    name = known_modality(modality)
    random = RandomState([MODALITIES.index(name), seed])
    image = DRAWN[name](random, (size[0], size[1]))
    if name == "ct":
        image = (image - CT_RANGE[0]) / (CT_RANGE[1] - CT_RANGE[0])
    return torch.from_numpy(np.ascontiguousarray(np.clip(image, 0, 1), dtype=np.float32))[None]


class RenderDeadLeavesd(MapTransform):
    """Draw the dead leaves of items that ask for some: an item ``dead_leaves`` holds the seed, ``modality`` what kind.

    Belongs behind all that reads and normalizes files, which these items have none of, and before ``StackSlicesd``.
    CT get a size of pixels in ``spacing``, for ``LowDoseNoised``. Items without seed pass. Example::

        item = RenderDeadLeavesd("label")({"dead_leaves": 7, "modality": "ct"})  # its label is (1, 320, 320)

    Args:
        keys: where the image is written, in network units.
        size: rows and columns.
        modality_key: item that names the modality.
        spacing_key: item that gets the size of a pixel in mm.

    Raises:
        ValueError: on a call, as ``render_dead_leaves`` does.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: Sequence[int] = SIZE,
        modality_key: str = "modality",
        spacing_key: str = SPACING_KEY,
    ) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.size, self.modality_key, self.spacing_key = tuple(size), modality_key, spacing_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw."""
        items = dict(data)
        if LEAVES_KEY not in items:
            return items
        seed, modality = int(items[LEAVES_KEY]), known_modality(str(items[self.modality_key]))
        for key in self.keys:
            items[key] = render_dead_leaves(seed, modality, self.size)
        if modality == "ct":
            items[self.spacing_key] = float(RandomState(seed).uniform(*SPACING))
        return items
