"""Area means: an image at half its size holds half of its noise, which makes it a better target."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.transforms.dead_leaves import LEAVES_KEY
from monai_gan_denoise.transforms.low_dose import AREA_MEAN_KEY
from monai_gan_denoise.transforms.patches import SPACING_KEY
from monai_gan_denoise.transforms.simulate import IMAGE_KEY

__all__ = ["NATIVE_KEY", "AreaMeand", "area_mean", "choose_factor"]

NATIVE_KEY = "native"  # item that tells, where it is true, that an image is to stay at its own size
PATCH_ROOM = 112  # pixels that a halved image keeps along both axes: a patch of 96 and some room to move it
AMPLE = 192  # pixels that an image keeps along both axes where more than two become one


def area_mean(stack: Tensor, factor: int) -> Tensor:
    """Replace squares of pixels by their mean; rows and columns that fill no square are cut off.

    White noise of deviation ``s`` becomes one of ``s / factor``. Example::

        half = area_mean(torch.rand(1, 513, 512), 2)  # (1, 256, 256)

    Args:
        stack: ``(S, H, W)``; not modified.
        factor: side of a square, in pixels.

    Returns:
        Shape ``(S, H // factor, W // factor)``, same dtype and device.

    Raises:
        ValueError: if the factor is below 1 or above a side.
    """
    if not 1 <= factor <= min(stack.shape[-2:]):
        height, width = stack.shape[-2:]
        raise ValueError(f"factor must be from 1 to a side of {height} x {width}, got {factor}. Pass a smaller one.")
    return torch.nn.functional.avg_pool2d(stack[:, None], factor)[:, 0]


def choose_factor(height: int, width: int, largest: int) -> int:
    """Choose how many pixels become one: as many as leave enough of the image.

    2 where both sides keep at least 112 pixels; 3 and more only where both keep at least 192; otherwise 1.

    Args:
        height: rows of the image.
        width: its columns.
        largest: highest factor that is allowed.
    """
    side = min(height, width)
    fitting = [factor for factor in range(2, largest + 1) if side // factor >= (PATCH_ROOM if factor == 2 else AMPLE)]
    return max(fitting, default=1)


class AreaMeand(MapTransform):
    """Replace clean images by their area means where they are large enough, so that their own noise gets weaker.

    Belongs after ``StackSlicesd`` and before padding and ``LowDoseNoised``. Pairs (an item ``image``) pass, as
    the noise that was measured would change too; so do dead leaves, which have no noise, and items whose ``native`` is
    true. The item ``spacing`` grows along, if it is there; the item ``area_mean`` tells the factor. Example::

        halve = AreaMeand("label", factors={"ct": 2, "us": 3})
        halve({"label": torch.rand(1, 512, 512), "modality": "ct"})["label"].shape  # (1, 256, 256)

    Args:
        keys: stacks of slices, ``(S, H, W)``, all of one size; not modified. Noise that ``SmoothTargetd`` took from an
            image is averaged as the image is.
        factors: for each modality the highest factor, see ``choose_factor``. A modality that is not named passes.
        modality_key: item that names the modality.
        spacing_key: item that holds the size of a pixel in mm.

    Raises:
        ValueError: if a modality is unknown or a factor below 1.
    """

    def __init__(
        self,
        keys: KeysCollection,
        factors: Mapping[str, int],
        modality_key: str = "modality",
        spacing_key: str = SPACING_KEY,
    ) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.factors = {known_modality(name): factor for name, factor in factors.items()}
        for name, factor in self.factors.items():
            if factor < 1:
                raise ValueError(f"factors must be at least 1, got {factor} for {name}. Leave the modality out.")
        self.modality_key, self.spacing_key = modality_key, spacing_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Average."""
        items = dict(data)
        if IMAGE_KEY in items or LEAVES_KEY in items or items.get(NATIVE_KEY):
            return items
        largest = self.factors.get(known_modality(str(items[self.modality_key])), 1)
        factor = 1
        for key in self.key_iterator(items):
            factor = choose_factor(items[key].shape[-2], items[key].shape[-1], largest)
            items[key] = area_mean(items[key], factor) if factor > 1 else items[key]
        if factor > 1:
            items[AREA_MEAN_KEY] = factor
            if items.get(self.spacing_key):
                items[self.spacing_key] *= factor
        return items
