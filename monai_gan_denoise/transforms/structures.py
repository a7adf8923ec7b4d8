"""Small faint structures for training: what a lesion may look like, and no denoiser may take for noise."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from torch import Tensor

from monai_gan_denoise.transforms.simulate import IMAGE_KEY

__all__ = ["RandDiscsd"]

EDGE = 1.0  # pixels over which a disc's border rises, as a pixel's area does


class RandDiscsd(RandomizableTransform, MapTransform):
    """Add faint discs and ellipses at random places, brighter or darker than what they lie on.

    The clean images of a training set show few small lesions of low contrast; a network that never saw one averages it
    away. Nothing darker than 0 is made, for there is no such signal.

    Args:
        keys: clean patches, ``(1, H, W)`` in network units; not modified.
        prob: share of patches that get any.
        count: most structures a patch; their number is drawn evenly from 1 on.
        diameter: smallest and largest diameter in pixels, drawn uniformly in the exponent.
        contrast: lowest and highest contrast in network units, drawn uniformly in the exponent; its sign evenly.
        elongation: largest ratio of the axes.
        image_key: item with a measured noisy image; a patch that has one stays as it was measured.

    Raises:
        ValueError: if a range is not positive and in order, or a number is out of range.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.3,
        count: int = 3,
        diameter: Sequence[float] = (2.5, 24.0),
        contrast: Sequence[float] = (0.01, 0.3),
        elongation: float = 1.5,
        image_key: str = IMAGE_KEY,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        for name, (low, high) in (("diameter", diameter), ("contrast", contrast)):
            if not 0 < low <= high:
                raise ValueError(f"{name} must be two positive numbers, lowest first, got {low}, {high}. Swap them.")
        if count < 1 or elongation < 1:
            raise ValueError(f"count and elongation must be at least 1, got {count} and {elongation}. Raise them.")
        self.count, self.diameter, self.contrast, self.elongation = count, diameter, contrast, elongation
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the structures."""
        items = dict(data)
        self.randomize(None)
        if not self._do_transform or self.image_key in items:
            return items
        added = self._draw(items[self.keys[0]])
        for key in self.key_iterator(items):
            items[key] = torch.maximum(items[key] + added, items[key].clamp(max=0))
        return items

    def _draw(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        added = torch.zeros((height, width))
        for _ in range(self.R.randint(self.count) + 1):
            row, column = self.R.uniform(0, height), self.R.uniform(0, width)
            angle, ratio = self.R.uniform(0, math.pi), math.sqrt(self.R.uniform(1, self.elongation))
            radius = self._between(self.diameter) / 2
            y, x = rows - row, columns - column
            along, across = y * math.cos(angle) + x * math.sin(angle), x * math.cos(angle) - y * math.sin(angle)
            distance = torch.hypot(along / ratio, across * ratio)
            sign = 1 if self.R.random_sample() < 0.5 else -1
            added += sign * self._between(self.contrast) * ((radius - distance) / EDGE + 0.5).clamp(0, 1)
        return added

    def _between(self, ends: Sequence[float]) -> float:
        return float(ends[0] * (ends[1] / ends[0]) ** self.R.random_sample())
