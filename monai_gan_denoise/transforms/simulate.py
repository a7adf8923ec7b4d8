"""Simulated noise for one image at a time, as a dictionary transform."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import deepcopy
from typing import Any

from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.transforms.distribution import LOW_DOSE, DrawnNoise, NoiseDistribution
from monai_gan_denoise.transforms.low_dose import mix_low_dose_noise

__all__ = [
    "BANK_KEY",
    "FILE_NOISE_KEY",
    "IMAGE_KEY",
    "LARGEST_SEED",
    "WINDOWED_KEY",
    "RandSimulateNoised",
    "law_modality",
]

BANK_KEY = "low_dose_noise"  # item that holds low-dose noise drawn beforehand, by LowDoseNoised
FILE_NOISE_KEY = "file_noise"  # item that holds the noise that SmoothTargetd took from the clean image
IMAGE_KEY = "image"  # item that holds the noisy image
LARGEST_SEED = 2**31 - 1
RECORD = "noise"
WINDOWED_KEY = "windowed"  # item that tells whether a CT's values are no HU, but a window's gray levels


def law_modality(modality: str, windowed: bool, banked: bool) -> str | None:
    """Tell for which modality an image's noise is to be drawn.

    Args:
        modality: the image's.
        windowed: whether a CT was windowed, so that the laws of CT, which need HU, have no hold on it.
        banked: whether the image brings its low-dose noise, which was windowed alike.

    Returns:
        The modality; None for the laws that suit images of any scale.
    """
    return None if windowed and not banked and known_modality(modality) == "ct" else modality


class RandSimulateNoised(MapTransform, Randomizable):
    """Draw noise that suits an image's modality, add it to the clean image, and record what was drawn.

    Every slice of a volume gets the same laws and levels, in the plane in which inference cuts it. The record, a list
    with a dictionary a law (``law``, ``level`` and the law's parameters), goes to ``meta["noise"]`` of the noisy image;
    if the clean image is a plain tensor, to the item ``noise``. A CT whose item ``windowed`` is true, or whose
    metadata has a ``bit_range``, holds no HU and gets laws for any modality. An image with an item ``low_dose_noise``
    gets its low-dose noise from there, as ``mix_low_dose_noise`` takes it; of a volume ``(S, K, H, W)``. Its record
    has no parameters then, since the bank was drawn with its own.

    Args:
        keys: the clean image, ``(C, H, W)`` or ``(C, H, W, D)`` in network units; not modified.
        distribution: what to draw from.
        image_key: where to put the noisy one.
        modality_key: item that names the modality; where it is absent the image's metadata does.
        allow_missing_keys: do not raise if the clean image is missing.
        target_key: where to put the mean of the noisy image given the clean one, what a network is to learn: the clean
            image, but where noise shifts the mean, as that of a magnitude does; None for nowhere.

    Raises:
        ValueError: on a call, if the modality is missing or unknown, or the image has another number of axes.
    """

    def __init__(
        self,
        keys: str,
        distribution: NoiseDistribution,
        image_key: str = IMAGE_KEY,
        modality_key: str = "modality",
        allow_missing_keys: bool = False,
        target_key: str | None = None,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.distribution = distribution
        self.image_key, self.modality_key, self.target_key = image_key, modality_key, target_key
        self.drawn: list[DrawnNoise] = []
        self.seed = 0

    def randomize(self, modality: str | None) -> None:
        """Draw laws, levels and the seed of the noise itself, all from ``self.R``."""
        self.drawn = self.distribution.draw(modality, self.R)
        self.seed = int(self.R.randint(LARGEST_SEED))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the noisy image."""
        items = dict(data)
        for key in self.key_iterator(items):
            clean = items[key]
            meta = clean.meta if isinstance(clean, MetaTensor) else {}
            windowed = bool(items.get(WINDOWED_KEY, meta.get("bit_range") is not None))
            modality = str(items.get(self.modality_key) or meta.get("modality"))
            self.randomize(law_modality(modality, windowed, BANK_KEY in items))
            plain = clean.as_tensor() if isinstance(clean, MetaTensor) else clean
            noisy, expected = self._add(plain, meta.get("slice_axis"), items.get(BANK_KEY))
            if self.target_key is not None:
                items[self.target_key] = _like(clean, expected) if isinstance(clean, MetaTensor) else expected
            record = [_known(drawn, BANK_KEY in items).record() for drawn in self.drawn]
            if isinstance(clean, MetaTensor):
                marked = _like(clean, noisy)
                marked.meta[RECORD] = record
                items[self.image_key] = marked
            else:
                items[self.image_key], items[RECORD] = noisy, record
        return items

    def _add(self, clean: Tensor, slice_axis: int | None, bank: Tensor | None) -> tuple[Tensor, Tensor]:
        if clean.dim() not in (3, 4):
            raise ValueError(f"label must be (C, H, W) or (C, H, W, D), got shape {tuple(clean.shape)}. Reshape it.")
        axis = 3 if slice_axis is None else slice_axis + 1
        slices = clean[None] if clean.dim() == 3 else clean.movedim(axis, 0)
        rng = Generator(clean.device).manual_seed(self.seed)
        noisy, expected = slices.clone(), slices.clone()
        for drawn in self.drawn:
            if bank is not None and drawn.law == LOW_DOSE:
                noisy = noisy + mix_low_dose_noise(bank.to(noisy), drawn.level, rng)
            else:
                before = Generator(clean.device)
                before.set_state(rng.get_state())
                noisy = drawn.add(noisy, drawn.level, rng)
                expected = drawn.expect(expected, drawn.level, before)
        if clean.dim() == 3:
            return noisy[0], expected[0]
        return noisy.movedim(0, axis), expected.movedim(0, axis)


def _like(clean: MetaTensor, image: Tensor) -> MetaTensor:
    """Give an image the metadata of the clean one."""
    return MetaTensor(image, meta=deepcopy(clean.meta), applied_operations=deepcopy(clean.applied_operations))


def _known(drawn: DrawnNoise, banked: bool) -> DrawnNoise:
    """Leave out the parameters of a law that a bank was drawn for with others."""
    return DrawnNoise(drawn.law, drawn.level) if banked and drawn.law == LOW_DOSE else drawn
