"""Two-dimensional patches for training: slices of a volume, patches that avoid its background, and their batch."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable
from monai.transforms.traits import MultiSampleTrait
from torch import Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.scans.slices import pixel_spacing, stack_slices
from monai_gan_denoise.transforms.simulate import BANK_KEY, WINDOWED_KEY

__all__ = ["RandPatchesd", "StackSlicesd", "collate_patches"]

FOREGROUND = 0.03  # network units; air in CT and MR and the black around a sector lie below, lungs and tissue above
SPACING_KEY = "spacing"  # item from which LowDoseNoised takes the size of a pixel
PROBE = 4  # every fourth row and column is looked at, enough to see whether a patch is empty


class StackSlicesd(MapTransform):
    """Make any image, volume or series a stack of slices, ``(S, H, W)``, in the plane that inference uses.

    The slice axis comes from the metadata (``slice_axis``), else it is the third; axes beyond the third are more
    slices. The result is a plain tensor: metadata would slow every patch down. The item ``windowed`` tells afterwards
    whether the image is a CT in a window's gray levels, the item ``spacing`` the size of a pixel in mm if the metadata
    do. Only a CT in HU keeps a bank of low-dose noise.

    Args:
        keys: images, ``(1, *spatial)``; not modified. Of a pair the last tells, so name the noisy side last: that is
            the one to whose intensities the other is matched.
        modality_key: item that names the modality; where it is absent the image's metadata does.
        allow_missing_keys: do not raise if a key is missing.
    """

    def __init__(self, keys: KeysCollection, modality_key: str = "modality", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.modality_key = modality_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Stack."""
        items = dict(data)
        for key in self.key_iterator(items):
            image = items[key]
            meta = image.meta if isinstance(image, MetaTensor) else {}
            spatial = image.as_tensor()[0] if isinstance(image, MetaTensor) else image[0]
            modality = known_modality(str(items.get(self.modality_key) or meta.get("modality")))
            items[self.modality_key] = modality
            items[WINDOWED_KEY] = modality == "ct" and meta.get("bit_range") is not None
            items[key] = stack_slices(spatial, meta.get("slice_axis"))
            affine = np.asarray(meta.get("affine", np.eye(4)))
            if not np.array_equal(affine, np.eye(4)):  # which stands for a file that does not say
                items[SPACING_KEY] = pixel_spacing(affine, meta.get("slice_axis"))
            if modality != "ct" or items[WINDOWED_KEY]:
                items.pop(BANK_KEY, None)
        return items


class RandPatchesd(Randomizable, MapTransform, MultiSampleTrait):
    """Cut patches at random places of random slices, and look again where there is only background.

    Of a patch that is almost empty, the place is drawn anew, a few times: background stays in the training, but rare.

    Args:
        keys: stacks of slices that are cut at the same places, ``(S, H, W)``; the first tells what is empty. A key
            missing from an item is passed over.
        size: side of the patches, in pixels.
        count: patches an image.
        attempts: how often a place is drawn before an empty patch is taken.
        foreground: share of pixels above 0.03 in network units below which a patch is empty.
        bank_key: item with a bank of noise, ``(K, H, W)`` for all slices or ``(S, K, H, W)``, cut too if it is there.

    Raises:
        ValueError: if a number is out of range; on a call, if an image is smaller than a patch.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: int,
        count: int,
        attempts: int = 4,
        foreground: float = 0.1,
        bank_key: str = BANK_KEY,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys=True)
        for name, value in (("size", size), ("count", count), ("attempts", attempts)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}. Pass a whole number.")
        if not 0 <= foreground <= 1:
            raise ValueError(f"foreground must be in [0, 1], got {foreground}. Pass a share of the pixels.")
        self.size, self.count, self.attempts, self.foreground = size, count, attempts, foreground
        self.bank_key = bank_key
        self.places: list[tuple[int, int, int]] = []

    def randomize(self, stack: Tensor) -> None:
        """Draw the slice, row and column at which each patch begins."""
        self.places = [self._draw_place(stack) for _ in range(self.count)]

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut; the patches, ``(1, size, size)``, are views of the images."""
        present = list(self.key_iterator(dict(data)))
        self.randomize(data[present[0]])
        patches = []
        for place in self.places:
            patch = dict(data)
            for key in present:
                patch[key] = self._cut(data[key], *place)
            if self.bank_key in data:
                bank = data[self.bank_key]
                index, row, column = place
                fields = bank[index] if bank.dim() == 4 else bank
                patch[self.bank_key] = fields[:, row : row + self.size, column : column + self.size]
            patches.append(patch)
        return patches

    def _draw_place(self, stack: Tensor) -> tuple[int, int, int]:
        if min(stack.shape[-2:]) < self.size:
            height, width = stack.shape[-2:]
            raise ValueError(f"images must be at least {self.size} pixels wide, got {height} x {width}. Pad them.")
        place = (0, 0, 0)
        limits = (stack.shape[0], stack.shape[1] - self.size + 1, stack.shape[2] - self.size + 1)
        for _ in range(self.attempts):
            index, row, column = (int(self.R.randint(limit)) for limit in limits)
            place = (index, row, column)
            probe = self._cut(stack, *place)[0, ::PROBE, ::PROBE]
            if int((probe > FOREGROUND).sum()) >= self.foreground * probe.numel():
                break
        return place

    def _cut(self, stack: Tensor, index: int, row: int, column: int) -> Tensor:
        return stack[index : index + 1, row : row + self.size, column : column + self.size]


def collate_patches(items: Sequence[Sequence[Mapping[Hashable, Any]] | Mapping[Hashable, Any]]) -> dict[Hashable, Any]:
    """Make a batch of the patches of several images.

    Tensors that all patches have become one; what only some have stays a list, with None for the others.
    """
    patches = [patch for item in items for patch in ([item] if isinstance(item, Mapping) else item)]
    batch: dict[Hashable, Any] = {}
    for key in dict.fromkeys(key for patch in patches for key in patch):
        values = [patch.get(key) for patch in patches]
        tensors = [value for value in values if isinstance(value, Tensor)]
        batch[key] = torch.stack(tensors) if len(tensors) == len(patches) else values
    return batch
