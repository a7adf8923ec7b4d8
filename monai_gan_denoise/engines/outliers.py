"""Values that no image of its modality holds: shown to the network as the nearest that one does.

Metal of 30,000 HU, a spike in a map that a division made, or padding of -3024 HU around a round field of view are many
times the range that the network was trained on. Let in, they ring: what surrounds them is off by hundreds of HU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["predict_without_outliers", "without_outliers"]

# Both in network units, where a modality's range is [0, 1]. Within the margin lies all but a millionth of noise of
# 600 HU in air, which a narrower one would leave there as specks, and a wider one lets metal ring further.
MARGIN = 1.0
PADDING_LIMIT = -0.1  # -1324 HU; scanners cut air off at -1024 HU, and noise that is not cut off has no lowest value
PADDING_SHARE = 0.01  # of a slice; a round field of view leaves a fifth of its square


def predict_without_outliers(predict: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Denoise slices whose values may lie far outside their modality's range.

    Args:
        predict: denoises slices, same shape in and out.
        noisy: slices ``(B, H, W)`` in network units; not modified.

    Returns:
        The denoised slices, same shape: beyond the margin less what was removed at its edge, and at padding the input.
        What ``predict`` gives, bit by bit, everywhere else.
    """
    shown, padding = without_outliers(noisy)
    denoised = predict(shown)
    if torch.equal(shown, noisy):
        return denoised
    changed = torch.where(padding, noisy, noisy + (denoised - shown))
    return torch.where(shown == noisy, denoised, changed)


def without_outliers(noisy: Tensor) -> tuple[Tensor, Tensor]:
    """Give what the network is shown of slices ``(B, H, W)``, and where they are padding."""
    padding = _padding(noisy)
    return noisy.clamp(-MARGIN, 1 + MARGIN).masked_fill_(padding, 0.0), padding


def _padding(slices: Tensor) -> Tensor:
    """Find the lowest value of each slice where it lies below the range and many pixels hold it."""
    lowest = slices.amin((1, 2), keepdim=True)
    mask = slices == lowest
    return mask & (lowest < PADDING_LIMIT) & (mask.float().mean((1, 2), keepdim=True) > PADDING_SHARE)
