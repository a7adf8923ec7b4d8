"""Intensity: each modality's range to network units and back, without clipping and without resampling."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, Protocol

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from torch import Tensor

from monai_gan_denoise.scans.modality import CT_RANGE, known_modality

__all__ = ["NormalizeModalityd", "modality_range"]

ROBUST_PERCENTILES = (0.1, 99.9)  # chosen so that hot pixels and a burnt-in letter do not set the scale
ROBUST_SAMPLE = 2**20  # values; enough for the 0.1 % tails to hold a thousand, cheap for any volume


class Values(Protocol):
    """What the range of an image is found from: a tensor has it, and a series that is too large for the memory too."""

    def numel(self) -> int:
        """Count the values."""
        ...

    def take(self, index: Tensor) -> Tensor:
        """Give those at places among all values in C order."""
        ...

    def min(self) -> Any:
        """Give the lowest."""
        ...

    def max(self) -> Any:
        """Give the highest."""
        ...


def modality_range(
    image: Values, modality: str, bit_range: tuple[float, float] | None = None, hu_offset: float = 0.0
) -> tuple[float, float]:
    """Find the intensities that become 0 and 1 in network units, once for the whole image, volume or series.

    Args:
        image: any shape, in the modality's units (CT: HU plus ``hu_offset``).
        modality: one of ``MODALITIES``.
        bit_range: lowest and highest value that an 8-bit source can hold, in the image's units; None for other sources.
        hu_offset: what was added to HU, 1024 in unsigned 16-bit PNG and TIFF.

    Returns:
        The lower and the upper end; equal if the image is constant.

    Raises:
        ValueError: if ``modality`` is unknown.
    """
    modality = known_modality(modality)
    if bit_range is not None:
        return bit_range
    if modality == "ct":
        return CT_RANGE[0] + hu_offset, CT_RANGE[1] + hu_offset
    places = torch.arange(image.numel()) if image.numel() <= ROBUST_SAMPLE else _draw(image.numel())
    values = image.take(places.to(getattr(image, "device", "cpu"))).double()
    lower, upper = (float(torch.quantile(values, q / 100)) for q in ROBUST_PERCENTILES)
    if lower == upper:  # almost all of it is background
        lower, upper = float(image.min()), float(image.max())
    return lower, upper


def _draw(count: int) -> Tensor:
    """Draw places, as a stride would meet the same few columns of every slice."""
    return torch.randint(count, (ROBUST_SAMPLE,), generator=torch.Generator().manual_seed(0))


@lru_cache(maxsize=8)
def _series_range(
    series: Values, modality: str, bit_range: tuple[float, float] | None, hu_offset: float
) -> tuple[float, float]:
    """Find the range of a series once, as every one of its volumes asks for it and it takes a reading of the file."""
    return modality_range(series, modality, bit_range, hu_offset)


class NormalizeModalityd(MapTransform, InvertibleTransform):
    """Map a modality's range to [0, 1], linearly, and back.

    CT uses a fixed range in HU; 8-bit images the range of their bits; MR, XR, US and OCT of other depths a robust range
    of the whole image: of all slices of a volume, and of all volumes of a series, also where these come one at a time.
    Values outside stay outside: nothing is clipped. A constant image becomes 0.

    The image's metadata may hold ``modality``, ``bit_range`` and ``hu_offset``, as ``modality_range`` takes them.

    Args:
        keys: images to normalize, each ``(C, *spatial)``.
        modality_key: item that names the modality; where it is absent the image's metadata does.
        allow_missing_keys: do not raise if a key is missing.
        series_key: item that holds the ``Values`` of the whole series, if the images are single volumes of one.

    Raises:
        ValueError: on a call, if the modality is missing or unknown.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modality_key: str = "modality",
        allow_missing_keys: bool = False,
        series_key: str = "series",
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.modality_key, self.series_key = modality_key, series_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Normalize; the range found is traced for ``inverse``."""
        items = dict(data)
        for key in self.key_iterator(items):
            image = items[key]
            meta = image.meta if isinstance(image, MetaTensor) else {}
            modality = items.get(self.modality_key) or meta.get("modality")
            known = (str(modality), meta.get("bit_range"), meta.get("hu_offset", 0.0))
            series = items.get(self.series_key)
            lower, upper = modality_range(image, *known) if series is None else _series_range(series, *known)
            scale = upper - lower or 1.0
            items[key] = torch.sub(image, lower).div_(scale)  # a new image; one more copy of a volume would be wasted
            self.push_transform(items[key], extra_info={"lower": lower, "scale": scale})  # type: ignore[no-untyped-call]
        return items

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Take images back to the units that they had, in place: a volume's copy may be one too many."""
        items = dict(data)
        for key in self.key_iterator(items):
            traced = self.pop_transform(items[key])["extra_info"]
            items[key] = items[key].mul_(traced["scale"]).add_(traced["lower"])
        return items
