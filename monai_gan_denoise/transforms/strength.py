"""How much of the denoising is applied, and what that removes from the image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data import MetaTensor
from monai.transforms import Transform
from torch import Tensor

__all__ = ["ApplyStrengthd"]

WRITER_KEYS = ("outputs", "modality")  # what the item knows and the writer, who gets no more than an image, must


class ApplyStrengthd(Transform):
    """Blend the denoised image with its input, ``pred = image + strength (pred - image)``, and keep what is removed.

    What is removed, ``strength (image - pred)``, goes to the writer, which takes it away from the stored pixels: where
    the network changed nothing, or the strength is 0, the stored pixels come back bit by bit.

    A volume's third copy may be one too many, so both are replaced in place: the memory of the input ends up holding
    what is removed, and ``image`` leaves the item. It was ``pred + removed``.

    Args:
        strength: share of the denoising, in ``[0, 1]``.
        image_key: the input, in the image's own units; leaves the item.
        pred_key: the denoised image, in the same units; replaced by the blend.
        removed_key: where to put what is removed; its metadata get the item's ``outputs`` and ``modality``, if any.
        noise_key: the noise-level map, if there is one, whose metadata get the same.

    Raises:
        ValueError: if ``strength`` is outside ``[0, 1]``.
    """

    def __init__(
        self,
        strength: float = 1.0,
        image_key: str = "image",
        pred_key: str = "pred",
        removed_key: str = "removed",
        noise_key: str = "noise",
    ) -> None:
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be in [0, 1], got {strength}. Pass 1 for all of the denoising.")
        self.strength = strength
        self.image_key, self.pred_key, self.removed_key = image_key, pred_key, removed_key
        self.noise_key = noise_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Blend ``(C, *spatial)`` images."""
        items = dict(data)
        removed, pred = items.pop(self.image_key), items[self.pred_key]
        for noisy, denoised in zip(_rows(removed), _rows(pred), strict=True):
            less = self.strength * (noisy - denoised)
            denoised.copy_(noisy - less)
            noisy.copy_(less)
        for written in (removed, items.get(self.noise_key)):
            if isinstance(written, MetaTensor):
                written.meta.update({key: items[key] for key in WRITER_KEYS if key in items})
        items[self.removed_key] = removed
        return items


def _rows(image: Tensor) -> tuple[Tensor, ...]:
    """Cut ``(C, *spatial)`` along the first spatial axis."""
    plain = image.as_tensor() if isinstance(image, MetaTensor) else image
    return plain.unbind(1)
