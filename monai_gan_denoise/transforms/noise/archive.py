"""What archives do to images: fewer gray values, and JPEG."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import slice_levels, within

__all__ = ["add_jpeg_artifacts", "quantize"]

BITS = (1.0, 16.0)
QUALITY = (1.0, 100.0)  # of the Independent JPEG Group's scale, as Pillow takes it
WHITE = 255  # what 1 becomes in JPEG's 8 bits


def quantize(image: Tensor, bits: float | Tensor, rng: Generator) -> Tensor:
    """Round to the nearest of ``2^bits`` gray values from 0 to 1, ``y = round(x (2^bits - 1)) / (2^bits - 1)``.

    What lies outside [0, 1] is rounded to the same steps, continued, and not clipped.

    Args:
        image: the clean image in network units; not modified.
        bits: from 1 to 16; where ``2^bits`` is not whole it is rounded.
        rng: not used; the law draws nothing.

    Returns:
        The quantized image, same shape, dtype and device.

    Raises:
        ValueError: if ``bits`` is outside 1 to 16.

    Reference: Gray & Neuhoff, "Quantization", IEEE Trans. Inf. Theory 1998 (uniform; its error has a variance of a
        twelfth of the squared step).
    """
    steps = within(bits, BITS, "bits", image).exp2().round() - 1
    return (image * steps).round_().div_(steps)


def add_jpeg_artifacts(image: Tensor, quality: float | Tensor, rng: Generator) -> Tensor:
    """Store each channel as a gray JPEG of 8 bits and read it again, with Pillow, on the CPU.

    Network units from 0 to 1 become the values 0 to 255, rounded. What lies outside is cut off for the JPEG, and what
    was cut off is added again.

    Args:
        image: the clean image, ``(..., H, W)`` in network units; not modified.
        quality: of the Independent JPEG Group, from 1 to 100, rounded.
        rng: not used; the law draws nothing.

    Returns:
        The image after the JPEG, same shape, dtype and device.

    Raises:
        ValueError: if ``quality`` is outside 1 to 100.

    Reference: Wallace, "The JPEG still picture compression standard", Commun. ACM 1991.
    """
    scale = within(quality, QUALITY, "quality", image)
    shown = image.clamp(0, 1)
    planes = (shown * WHITE).round_().to(device="cpu", dtype=torch.uint8).reshape(-1, *image.shape[-2:]).numpy()
    stored = [_store(plane, round(number)) for plane, number in zip(planes, slice_levels(scale, image), strict=True)]
    return torch.from_numpy(np.stack(stored)).to(image).div_(WHITE).reshape(image.shape) + (image - shown)


def _store(plane: np.ndarray, quality: int) -> np.ndarray:
    with io.BytesIO() as file:
        Image.fromarray(plane).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))
