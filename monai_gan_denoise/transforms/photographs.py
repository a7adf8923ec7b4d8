"""Photographs as training images: content with little noise, in the intensities of a modality."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from numpy.random import RandomState
from torch import Tensor

from monai_gan_denoise.scans.modality import CT_RANGE, MODALITIES, known_modality
from monai_gan_denoise.transforms.dead_leaves import SPACING
from monai_gan_denoise.transforms.leaves.canvas import cover_of
from monai_gan_denoise.transforms.leaves.shapes import blob
from monai_gan_denoise.transforms.patches import SPACING_KEY
from monai_gan_denoise.transforms.simulate import WINDOWED_KEY

__all__ = ["PHOTOGRAPH_KEY", "PhotographContentd", "show_photograph"]

PHOTOGRAPH_KEY = "photograph"  # item that holds the seed of how a photograph is shown
AIR_TO_BONE = ((-1024.0, -700.0), (100.0, 1200.0))  # HU at black and at white, lowest and highest
SOFT = ((-250.0, 20.0), (80.0, 400.0))  # the same for an image of soft tissue alone
WIDE_SHARE = 0.4  # of the CT, that reach from air to bone
MASKED_SHARE = 0.7  # of the MR, that are 0 outside a body


def show_photograph(gray: Tensor, seed: int, modality: str) -> Tensor:
    """Give a photograph the intensities of a modality.

    Grays are bent by a random gamma. For CT they are stretched over a random range of HU, from air to bone or within
    soft tissue; most MR become exactly 0 outside a random shape. Example::

        show_photograph(torch.rand(1, 160, 240), 3, "ct")  # 0 at -1024 HU, 1 at 1976 HU

    Args:
        gray: slices, ``(S, H, W)``, from 0 to 1; not modified.
        seed: what is drawn; the same seed gives the same bits.
        modality: one of ``MODALITIES``.

    Returns:
        Same shape, float32, in network units.

    Raises:
        ValueError: if the modality is unknown.
    """
    name = known_modality(modality)
    random = RandomState([MODALITIES.index(name), seed])
    shown = gray.clamp(0, 1).float() ** float(random.uniform(0.7, 1.5))
    if name == "ct":
        black, white = AIR_TO_BONE if random.random_sample() < WIDE_SHARE else SOFT
        low, high = float(random.uniform(*black)), float(random.uniform(*white))
        return (low - CT_RANGE[0] + (high - low) * shown) / (CT_RANGE[1] - CT_RANGE[0])
    if name == "mr" and random.random_sample() < MASKED_SHARE:
        rows, columns = shown.shape[-2:]
        radius = min(rows, columns) * random.uniform(0.35, 0.55)
        body = blob(random, rows * random.uniform(0.4, 0.6), columns * random.uniform(0.4, 0.6), radius, 0.1)
        shown = shown * torch.from_numpy(cover_of((rows, columns), body, random.uniform(1, 6)))
    return shown


class PhotographContentd(MapTransform):
    """Show the photographs among the items as their ``modality`` could; the item ``photograph`` holds the seed.

    Belongs after ``StackSlicesd``, which takes a CT of gray levels for a windowed one, and after ``AreaMeand``, before
    padding and ``LowDoseNoised``: a photograph that became CT holds HU, and gets a size of pixels. Others
    pass. Example::

        item = {"label": torch.rand(1, 160, 240), "modality": "ct", "photograph": 3, "windowed": True}
        PhotographContentd("label")(item)["windowed"]  # False

    Args:
        keys: stacks of slices, ``(S, H, W)``, from 0 to 1; not modified.
        modality_key: item that names the modality.
        spacing_key: item that gets the size of a pixel in mm.
    """

    def __init__(self, keys: KeysCollection, modality_key: str = "modality", spacing_key: str = SPACING_KEY) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.modality_key, self.spacing_key = modality_key, spacing_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Show."""
        items = dict(data)
        if PHOTOGRAPH_KEY not in items:
            return items
        seed, modality = int(items[PHOTOGRAPH_KEY]), known_modality(str(items[self.modality_key]))
        for key in self.key_iterator(items):
            items[key] = show_photograph(items[key], seed, modality)
        items[WINDOWED_KEY] = False
        if modality == "ct":
            items[self.spacing_key] = float(RandomState(seed).uniform(*SPACING))
        return items
