"""Images too large for the network at once, in windows that give the whole image's result.

A pixel of a window comes out as that of the whole image if the window starts on the network's grid and all that the
pixel depends on lies in the window. So windows start on multiples of the network's stride and overlap by twice its
reach, and each is cut off in the middle of the overlap: nothing is blended, nothing is estimated twice. At the image's
own edges a window ends where the image does and is mirrored there as the image is.

MONAI's SlidingWindowInferer pads with constants, starts its last window anywhere and blends what its windows' edges
have spoiled, so that its result depends on where the windows lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

__all__ = ["Window", "predict_in_windows", "windows"]


class Window(NamedTuple):
    """One window along one axis, in pixels of the image.

    Attributes:
        seen: what the network sees.
        kept: the part of it whose result is kept.
    """

    seen: slice
    kept: slice

    @property
    def inner(self) -> slice:
        """``kept``, counted from the start of ``seen``."""
        return slice(self.kept.start - self.seen.start, self.kept.stop - self.seen.start)


def windows(size: int, largest: int, reach: int, stride: int) -> list[Window]:
    """Cover an axis by windows of about one size, as few as possible.

    Args:
        size: pixels of the axis.
        largest: pixels that a window may have.
        reach: pixels from an edge that is not the image's in which a window's result is not that of the image.
        stride: what windows start on multiples of.

    Returns:
        The windows in order; what they keep is the whole axis, each pixel once.

    Raises:
        ValueError: if ``largest`` leaves nothing to keep.
    """
    if size <= largest:
        return [Window(slice(0, size), slice(0, size))]
    margin = -(-reach // stride) * stride
    longest = largest // stride * stride - 2 * margin
    if longest < stride:
        raise ValueError(
            f"window must be at least {2 * margin + stride} pixels for a network that sees {reach} pixels far, "
            f"got {largest}. Pass a larger one."
        )
    inside = size - 2 * margin  # what windows take turns to keep; the margins at the image's edges are kept as well
    count = -(-inside // longest)
    step = -(-inside // (count * stride)) * stride
    covering = []
    for start in range(0, inside, step):
        last = start + step >= inside
        seen = slice(start, size if last else start + step + 2 * margin)
        kept = slice(start + margin if start else 0, size if last else start + step + margin)
        covering.append(Window(seen, kept))
    return covering


def predict_in_windows(
    predict: Callable[[Tensor], Tensor], images: Tensor, largest: int, reach: int, stride: int
) -> Tensor:
    """Run a network over images, window by window where they are larger than one.

    Args:
        predict: the network; keeps height and width.
        images: ``(..., H, W)``.
        largest: pixels along each side of a window, at most.
        reach: the network's, in pixels.
        stride: the network's, in pixels.

    Returns:
        What ``predict`` gives for the whole images, ``(..., H, W)``.

    Raises:
        ValueError: if images are larger than a window and ``largest`` is too small for the network.
    """
    result: Tensor | None = None
    for rows in windows(images.shape[-2], largest, reach, stride):
        for columns in windows(images.shape[-1], largest, reach, stride):
            prediction = predict(images[..., rows.seen, columns.seen])
            if result is None:
                result = prediction.new_empty((*prediction.shape[:-2], *images.shape[-2:]))
            result[..., rows.kept, columns.kept] = prediction[..., rows.inner, columns.inner]
    return images if result is None else result
