"""Noise and artifacts of MR that arise in k-space, where the scanner measures."""

from __future__ import annotations

import math

import torch
from monai.transforms import GibbsNoise, KSpaceSpikeNoise
from monai.utils import convert_to_tensor
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero, slice_levels, within

__all__ = ["add_gibbs_ringing", "add_kspace_noise", "add_kspace_spikes"]

SPIKE_BAND = (0.25, 0.75)  # of the sampled half-width; away from the center, which holds the image's own contrast


def add_kspace_noise(image: Tensor, std: float | Tensor, rng: Generator, partial_fourier: float = 0.75) -> Tensor:
    """Add the thermal noise of a partial Fourier acquisition, ``y = |x + F^-1(M n)|``.

    ``M`` keeps the measured part of k-space, from one edge of the phase-encoding axis (rows) to beyond the center, and
    zeros the rest, so the noise is correlated along that axis. Only the noise passes ``M``: the clean image is what a
    denoiser should give back, and must not be blurred by what it was not asked to undo.

    Args:
        image: the clean magnitude, ``(..., H, W)``; not modified.
        std: standard deviation of each part in image space, after ``M``, in the image's units, not negative; where it
            is 0 the image is unchanged.
        rng: source of randomness, on the device of ``image``.
        partial_fourier: share of the phase encodings that is measured, from 0.5 (and the center) to 1 (white noise).

    Returns:
        The noisy magnitude, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative or ``partial_fourier`` outside 0.5 to 1.

    Reference: McGibney et al., "Quantitative evaluation of several partial Fourier reconstruction algorithms used in
        MRI", MRM 1993 (zero filling).
    """
    level = at_least_zero(std, "std", image)
    within(partial_fourier, (0.5, 1.0), "partial_fourier", image)
    rows = image.shape[-2]
    measured = max(math.ceil(partial_fourier * rows), rows // 2 + 1)
    # torch's complex normal numbers have a variance of 1/2 a part, and the zeros take their share of it away.
    scale = math.sqrt(2 * rows / measured)
    noise = torch.randn(image.shape, generator=rng, dtype=image.dtype.to_complex(), device=image.device)
    mask = torch.fft.ifftshift(torch.arange(rows, device=image.device) < measured)
    noise = torch.fft.ifft2(noise * mask[:, None], norm="ortho") * (level * scale)
    return torch.where(level > 0, (image + noise).abs(), image)


def add_gibbs_ringing(image: Tensor, cut: float | Tensor, rng: Generator) -> Tensor:
    """Cut k-space off beyond a radius, by MONAI's ``GibbsNoise``: blur, and ringing at edges.

    Args:
        image: the clean image, ``(..., H, W)``; not modified.
        cut: share of the radius (of k-space's corners) that is cut off, from 0 to 1; 0.29 reaches the edges of a square
            k-space, 0.65 halves the resolution. Where it is 0 the image is unchanged.
        rng: not used; the law draws nothing.

    Returns:
        The image with its ringing, same shape and dtype.

    Raises:
        ValueError: if ``cut`` is outside 0 to 1.

    Reference: Morelli et al., "An image-based approach to understanding the physics of MR artifacts", RadioGraphics
        2011.
    """
    share = within(cut, (0.0, 1.0), "cut", image)
    planes = image.reshape(-1, 1, *image.shape[-2:])
    ringing = [
        convert_to_tensor(GibbsNoise(alpha)(plane), track_meta=False)
        for plane, alpha in zip(planes, slice_levels(share, image), strict=True)
    ]
    return torch.where(share > 0, torch.stack(ringing).reshape(image.shape).to(image), image)


def add_kspace_spikes(image: Tensor, std: float | Tensor, rng: Generator, spikes: int = 1) -> Tensor:
    """Put spikes into k-space, by MONAI's ``KSpaceSpikeNoise``: each is a pattern of stripes (herringbone).

    Args:
        image: the clean image, ``(..., H, W)`` of at least 8 x 8; not modified.
        std: standard deviation of the stripes together in the image's units, not negative; where it is 0 the image is
            unchanged.
        rng: source of the places, on the device of ``image``.
        spikes: how many, at least 1.

    Returns:
        The striped image, same shape and dtype.

    Raises:
        ValueError: if ``std`` is negative or ``spikes`` not a whole number of at least 1.

    Reference: Zhuo & Gullapalli, "AAPM/RSNA physics tutorial for residents: MR artifacts, safety, and quality control",
        RadioGraphics 2006.
    """
    if spikes < 1 or spikes != int(spikes):
        raise ValueError(f"spikes must be a whole number of at least 1, got {spikes:g}. Pass level 0 for none.")
    level = at_least_zero(std, "std", image)
    planes = image.reshape(-1, 1, *image.shape[-2:])
    striped = [
        plane if value == 0 else _spike(plane, value, int(spikes), rng)
        for plane, value in zip(planes, slice_levels(level, image), strict=True)
    ]
    return torch.stack(striped).reshape(image.shape)


def _spike(plane: Tensor, std: float, spikes: int, rng: Generator) -> Tensor:
    height, width = plane.shape[-2:]
    draws = torch.rand((2, spikes), generator=rng, dtype=plane.dtype, device=plane.device)
    radius, angle = (SPIKE_BAND[0] + (SPIKE_BAND[1] - SPIKE_BAND[0]) * draws[0]) / 2, 2 * math.pi * draws[1]
    rows = (height // 2 + (radius * angle.sin() * height).round()).int().tolist()
    columns = (width // 2 + (radius * angle.cos() * width).round()).int().tolist()
    # A spike of magnitude K is a wave of amplitude K / (H W), whose standard deviation is smaller by the root of 2.
    intensity = math.log(std * math.sqrt(2 / spikes) * height * width)
    striped = KSpaceSpikeNoise(tuple(zip(rows, columns, strict=True)), (intensity,) * spikes)(plane)
    plain: Tensor = convert_to_tensor(striped, track_meta=False)
    return plain.to(plane)
