"""What is known of MR magnitudes: they are not negative, and their noise lifts their mean."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from torch import Tensor

from monai_gan_denoise.transforms.air import estimate_magnitude_noise, shows_clipped_noise
from monai_gan_denoise.transforms.debias import remove_magnitude_bias
from monai_gan_denoise.transforms.intensity import known_modality

__all__ = ["DEBIAS", "LEVEL_KEY", "RemoveMagnitudeBiasd"]

DEBIAS = ("auto", "off")
LEVEL_KEY = "noise_level"  # item that holds the noise-level map, in the image's units
ROUNDING = 1e-6  # of the largest value: what network units and back make of a 0
AT_ONCE = 2**20  # pixels that are corrected together, so that a volume needs no second copy


class RemoveMagnitudeBiasd(Transform):
    """Turn the denoised mean of an MR magnitude into the magnitude without noise, pixel by pixel.

    A magnitude's noise lifts its mean, in air by 1.25 noise levels, in tissue of intensity A by ``level^2 / (2 A)``.
    The network gives the mean of what it sees; what follows from it is known by an equation, so no network has to
    guess it. The level is measured in the image's air, and so is the number of coils. Where air tells nothing, zeroed
    or not there, the network's noise-level map is taken, for one coil; without such a map nothing is corrected.

    Only images that can be magnitudes are touched: of the modality MR, with no value below 0. Noise that was cut off at
    0 is no magnitude's and is not corrected. Also without correction, such an image gets no value below 0.

    The denoised image is changed in place: a volume's copy may be one too many.

    Args:
        debias: "auto", or "off" for no correction.
        image_key: the input, in the image's own units.
        pred_key: the denoised image, in the same units.
        modality_key: item that names the modality; where it is absent the image's metadata does.
        level_key: item that holds the noise-level map, in the same units and of the shape of the image, or None.

    Raises:
        ValueError: if ``debias`` is neither.

    Reference: Koay & Basser, "Analytically exact correction scheme for signal extraction from noisy magnitude MR
        signals", JMR 2006.
    """

    def __init__(
        self,
        debias: str = "auto",
        image_key: str = "image",
        pred_key: str = "pred",
        modality_key: str = "modality",
        level_key: str = LEVEL_KEY,
    ) -> None:
        if debias not in DEBIAS:
            raise ValueError(f"debias must be one of {', '.join(DEBIAS)}, got {debias!r}. Choose one of them.")
        self.debias = debias
        self.image_key, self.pred_key = image_key, pred_key
        self.modality_key, self.level_key = modality_key, level_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Correct ``(C, *spatial)`` images."""
        items = dict(data)
        image = items[self.image_key]
        meta: Mapping[str, Any] = image.meta if isinstance(image, MetaTensor) else {}
        modality = items.get(self.modality_key) or meta.get("modality")
        noisy, pred = _plain(image), _plain(items[self.pred_key])
        if modality is None or known_modality(str(modality)) != "mr" or noisy.min() < -ROUNDING * noisy.max():
            return items
        if self.debias == "auto":
            level = items.get(self.level_key)
            _correct(_slices(noisy, meta.get("slice_axis")), pred, None if level is None else _plain(level))
        pred.clamp_(min=0)
        return items


def _correct(slices: Tensor, pred: Tensor, level: Tensor | None) -> None:
    """Correct a denoised image in place, by the noise in the air of its input or else by a map."""
    if shows_clipped_noise(slices):
        return
    noise = estimate_magnitude_noise(slices)
    if noise is None and level is None:
        return
    rows = max(1, AT_ONCE * pred.shape[1] // pred.numel())
    levels = [None] * pred.shape[1] if level is None else level.split(rows, 1)
    for part, known in zip(pred.split(rows, 1), levels, strict=False):
        if noise is not None:
            part.copy_(remove_magnitude_bias(part, noise.level, noise.coils))
        elif known is not None:
            part.copy_(remove_magnitude_bias(part, known.clamp(min=0).to(part)))


def _slices(image: Tensor, slice_axis: int | None) -> Tensor:
    """View ``(C, *spatial)`` as ``(..., H, W)``."""
    if image.dim() == 3:
        return image
    axis = 1 + (2 if slice_axis is None else slice_axis)
    plane = [each for each in (1, 2, 3) if each != axis]
    return image.movedim(plane, (-2, -1))


def _plain(image: Tensor) -> Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else torch.as_tensor(image)
