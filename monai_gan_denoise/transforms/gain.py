"""The gain between the sides of a real pair, which scanners and windows set for each side by itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.networks.layers import gaussian_1d, separable_filtering
from monai.transforms import MapTransform
from torch import Tensor

from monai_gan_denoise.scans.slices import stack_slices

__all__ = ["MatchGaind", "fit_gain"]

TRUNCATED = 4.0  # standard deviations at which the Gaussian ends, as in SciPy and scikit-image


def fit_gain(reference: Tensor, noisy: Tensor, smoothing: float, name: str) -> tuple[float, float]:
    """Find what maps a reference to the intensities of the noisy image, ``gain * reference + offset``.

    Gain and offset are those of least squares between the two images smoothed, so that the noise does not lower the
    gain: ``min sum (gain * G(reference) + offset - G(noisy))^2``. Beyond its edges an image goes on as it ends.

    Args:
        reference: slices, ``(S, H, W)``, not constant; not modified.
        noisy: same shape; the slices share one gain.
        smoothing: standard deviation of the Gaussian G, in pixels of a slice.
        name: what messages call the reference.

    Returns:
        The gain and the offset.

    Raises:
        ValueError: if ``smoothing`` is not positive or the reference is constant.
    """
    if smoothing <= 0:
        raise ValueError(f"smoothing must be positive, got {smoothing}. Pass pixels.")
    if reference.min() == reference.max():
        value = float(reference.flatten()[0])
        raise ValueError(f"reference must vary, got {value:g} everywhere in {name}. Leave the pair out.")
    kernel = gaussian_1d(torch.tensor(smoothing), TRUNCATED, approx="sampled", normalize=True)
    x, y = (separable_filtering(image[:, None].double(), [kernel, kernel], "replicate") for image in (reference, noisy))
    gain = float(((x - x.mean()) * (y - y.mean())).mean() / x.var(correction=0))
    return gain, float(y.mean() - gain * x.mean())


class MatchGaind(MapTransform):
    """Map the clean side of a real pair to the noisy side's intensities, as ``fit_gain`` finds them.

    Scanners and windows set the gain of each side by itself; a network that is trained on them as they are learns
    that gain instead of the denoising. Belongs after ``NormalizeModalityd``: what inference sees, the noisy side in its
    own range, stays as it is. Items without noisy side pass.

    Args:
        keys: the clean side, ``(1, *spatial)`` with metadata; not modified.
        reference_key: the noisy side, same shape.
        smoothing: standard deviation of the Gaussian, in pixels.
        allow_missing_keys: do not raise if the clean side is missing.

    Raises:
        ValueError: on a call, if the sides differ in size or the clean side is constant.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference_key: str = "image",
        smoothing: float = 3.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key, self.smoothing = reference_key, smoothing

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Match."""
        items = dict(data)
        if self.reference_key not in items:
            return items
        noisy = items[self.reference_key]
        for key in self.key_iterator(items):
            clean = items[key]
            name = str(clean.meta.get("filename_or_obj", "the array"))
            if clean.shape != noisy.shape:
                raise ValueError(
                    f"sides of a pair must have one size, got {tuple(noisy.shape[1:])} and {tuple(clean.shape[1:])} "
                    f"in {name}. Register them."
                )
            gain, offset = fit_gain(_slices(clean), _slices(noisy), self.smoothing, name)
            items[key] = clean * gain + offset
        return items


def _slices(image: MetaTensor) -> Tensor:
    return stack_slices(image.as_tensor()[0], image.meta.get("slice_axis"))
