"""Slices of an image, a volume or a series: views of one memory, in whatever order its axes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from monai.data import MetaTensor
from torch import Tensor

__all__ = ["Index", "closed", "opened", "put", "slices_of", "take", "varies"]

Index: TypeAlias = tuple[Any, ...]  # of a slice, along all axes beyond the plane's

THIRD_AXIS = 2  # the slice axis of an array that says nothing about itself


def opened(inputs: Tensor) -> tuple[Tensor, dict[str, Any], str]:
    """Give the image of a batch of one, its metadata and its name."""
    meta: dict[str, Any] = inputs.meta if isinstance(inputs, MetaTensor) else {}
    volume = inputs.as_tensor()[0, 0] if isinstance(inputs, MetaTensor) else inputs[0, 0]
    return volume, meta, str(meta.get("filename_or_obj", "the array"))


def closed(volume: Tensor, meta: dict[str, Any]) -> Tensor:
    """Make a batch of one of an image, with its metadata if there are any."""
    return MetaTensor(volume[None, None], meta=meta) if meta else volume[None, None]


def slices_of(volume: Tensor, slice_axis: int | None) -> Tensor:
    """View a volume as ``(H, W, slices, ...)``."""
    if volume.dim() == 2:
        return volume[..., None]
    return volume.movedim(THIRD_AXIS if slice_axis is None else slice_axis, THIRD_AXIS)


def take(slices: Tensor, indices: Sequence[Index]) -> Tensor:
    """Copy slices of the view into a batch, ``(B, H, W)``."""
    return torch.stack([slices[(..., *index)] for index in indices])


def put(values: Tensor, slices: Tensor, indices: Sequence[Index]) -> None:
    """Copy a batch to where its slices lie in the view."""
    for index, value in zip(indices, values, strict=True):
        slices[(..., *index)].copy_(value)


def varies(image: Tensor) -> bool:
    """Tell whether a slice has two values or more."""
    return bool(image.amin() != image.amax())
