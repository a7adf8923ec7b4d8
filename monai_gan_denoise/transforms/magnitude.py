"""What is known of MR magnitudes: they are not negative, and their noise lifts their mean."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.transforms.air import MagnitudeNoise, estimate_magnitude_noise, shows_clipped_noise
from monai_gan_denoise.transforms.debias import remove_magnitude_bias

__all__ = ["DEBIAS", "RemoveMagnitudeBiasd"]

DEBIAS = ("auto", "off")
ROUNDING = 1e-5  # of the mean: what network units and back make of a 0; the largest value may be a spike
SAMPLE = 2**18  # values, of which the deviation of what was removed is found
MAD = 0.6745  # median absolute deviation of the normal law, in its standard deviations
AT_ONCE = 2**20  # pixels that are corrected together, so that a volume needs no second copy


class RemoveMagnitudeBiasd(Transform):
    """Turn the denoised mean of an MR magnitude into the magnitude without noise, pixel by pixel.

    A magnitude's noise lifts its mean, in air by 1.25 noise levels, in tissue of intensity A by ``level^2 / (2 A)``.
    The network gives the mean of what it sees; what follows from it is known by an equation, so no network has to
    guess it. The level is measured in the image's air, and so is the number of coils. Where air tells nothing, zeroed
    or not there, the level is that of what the network removed from the brighter half of the signal, for one coil: as
    the network leaves some noise, a bit too low, so that little is left of the bias and nothing is overdone.

    Only images that can be magnitudes are touched: of the modality MR, with no value below 0. Noise that was cut off at
    0 is no magnitude's and is not corrected. Also without correction, such an image gets no value below 0.

    Of a series each volume is corrected by its own noise.

    The denoised image is changed in place: a volume's copy may be one too many.

    Args:
        debias: "auto", or "off" for no correction.
        image_key: the input, in the image's own units.
        pred_key: the denoised image, in the same units.
        modality_key: item that names the modality; where it is absent the image's metadata does.

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
    ) -> None:
        if debias not in DEBIAS:
            raise ValueError(f"debias must be one of {', '.join(DEBIAS)}, got {debias!r}. Choose one of them.")
        self.debias = debias
        self.image_key, self.pred_key = image_key, pred_key
        self.modality_key = modality_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Correct ``(C, *spatial)`` images."""
        items = dict(data)
        image = items[self.image_key]
        meta: Mapping[str, Any] = image.meta if isinstance(image, MetaTensor) else {}
        modality = items.get(self.modality_key) or meta.get("modality")
        noisy, pred = _plain(image), _plain(items[self.pred_key])
        if modality is None or known_modality(str(modality)) != "mr":
            return items
        # Each volume of a series by itself, as long series are denoised.
        for index in np.ndindex(*noisy.shape[4:]):
            volume = (..., *index)
            self._treat(noisy[volume], pred[volume], meta.get("slice_axis"))
        return items

    def _treat(self, noisy: Tensor, pred: Tensor, slice_axis: int | None) -> None:
        if noisy.min() < -ROUNDING * noisy.mean().abs():
            return
        if self.debias == "auto":
            slices = _slices(noisy, slice_axis)
            if not shows_clipped_noise(slices):
                _correct(pred, noisy, estimate_magnitude_noise(slices) or _removed_noise(noisy, pred))
        pred.clamp_(min=0)


def _correct(pred: Tensor, noisy: Tensor, noise: MagnitudeNoise) -> None:
    """Correct a denoised image in place, part by part, but where nothing was removed, as in constant slices."""
    rows = max(1, AT_ONCE * pred.shape[1] // pred.numel())
    for part, before in zip(pred.split(rows, 1), noisy.split(rows, 1), strict=True):
        part.copy_(torch.where(part == before, part, remove_magnitude_bias(part, noise.level, noise.coils)))


def _removed_noise(noisy: Tensor, pred: Tensor) -> MagnitudeNoise:
    """Measure the noise that was removed where the signal is strong, whose noise is normal; edges do not count."""
    count = pred.numel()
    drawn = torch.arange(count) if count <= SAMPLE else torch.randint(count, (SAMPLE,), generator=_generator())
    before, after = (image.take(drawn.to(image.device)) for image in (noisy, pred))
    bright = after >= after[after > 0].median() if bool((after > 0).any()) else after > 0
    removed = (before - after)[bright]
    if not removed.numel():
        return MagnitudeNoise(0.0, 1)
    return MagnitudeNoise(float((removed - removed.median()).abs().median()) / MAD, 1)


def _generator() -> Generator:
    return Generator().manual_seed(0)


def _slices(image: Tensor, slice_axis: int | None) -> Tensor:
    """View ``(C, *spatial)`` as ``(..., H, W)``."""
    if image.dim() == 3:
        return image
    axis = 1 + (2 if slice_axis is None else slice_axis)
    plane = [each for each in (1, 2, 3) if each != axis]
    return image.movedim(plane, (-2, -1))


def _plain(image: Tensor) -> Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else torch.as_tensor(image)
