"""Noise of an MR image whose k-space was measured in part and filled up with zeros."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.draws import chance, uniform
from monai_gan_denoise.transforms.noise.level import at_least_zero, within

__all__ = ["add_zero_filled_noise"]

ONE_SIDED = (0.55, 0.9)  # share of the measured rows that partial Fourier acquisitions keep; 5/8 to 7/8 are usual


def add_zero_filled_noise(
    image: Tensor,
    std: float | Tensor,
    rng: Generator,
    smallest: float = 0.4,
    elliptic: float = 0.4,
    partial: float = 0.3,
) -> Tensor:
    """Add the noise of a random part of k-space and take the magnitude, ``y = |x + F^-1(M n)|``.

    ``M`` is 1 in a centered rectangle or ellipse and 0 elsewhere, so the noise is correlated as that of an image of
    lower resolution, interpolated by zero-filling. Only the noise passes ``M``, as in ``add_kspace_noise``. Each pixel
    is Rician.

    Args:
        image: the clean magnitude, ``(..., H, W)``; not modified.
        std: standard deviation of each part in image space, after ``M``, in the image's units, not negative; where it
            is 0 the image is unchanged.
        rng: source of randomness, on the device of ``image``; every slice draws its own ``M``.
        smallest: smallest share of k-space that is measured along an axis, positive, at most 1; each axis draws its
            own, uniform up to 1.
        elliptic: share of the images whose ``M`` is an ellipse.
        partial: share of the images of which rows beyond the center are measured in part, a random one, on one side.

    Returns:
        The noisy magnitude, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative or a share out of range.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> bool((add_zero_filled_noise(torch.zeros(1, 1, 96, 96), 0.1, rng) > 0).all())
        True

    Reference: Bernstein et al., "Effect of windowing and zero-filled reconstruction of MRI data on spatial resolution
        and acquisition strategy", JMRI 2001; Gudbjartsson & Patz, "The Rician distribution of noisy MRI data", MRM
        1995.
    """
    level = at_least_zero(std, "std", image)
    if not 0 < smallest <= 1:
        raise ValueError(f"smallest must be positive and at most 1, got {smallest:g}. Pass a share of k-space.")
    within(elliptic, (0.0, 1.0), "elliptic", image)
    within(partial, (0.0, 1.0), "partial", image)
    mask = _measured(image, smallest, elliptic, partial, rng)
    # torch's complex normal numbers have a variance of 1/2 a part, and the zeros take their share of it away.
    scale = (2 / mask.mean((-2, -1), keepdim=True)).sqrt()
    size = (len(mask), *image.shape[-2:])
    noise = torch.randn(size, generator=rng, dtype=image.dtype.to_complex(), device=image.device)
    noise = torch.fft.ifft2(noise.mul_(mask.mul_(scale)), norm="ortho").reshape(image.shape).mul_(level)
    return torch.where(level > 0, noise.add_(image).abs(), image)


def _measured(image: Tensor, smallest: float, elliptic: float, partial: float, rng: Generator) -> Tensor:
    """Draw which points of k-space are measured, ``(N, H, W)`` of 1 and 0, the mean frequency first."""
    shares = [uniform(image, smallest, 1.0, rng) for _ in range(2)]
    round_ = chance(image, elliptic, rng)
    one_sided = chance(image, partial, rng)
    kept = uniform(image, *ONE_SIDED, rng)
    lengths = image.shape[-2:]
    # From -1 to 1 within the measured part; the mean frequency, 0, is always in it.
    rows, columns = (
        torch.fft.fftfreq(length, 0.5, dtype=image.dtype, device=image.device) / share.squeeze(-1)
        for length, share in zip(lengths, shares, strict=True)
    )
    rows, columns = rows[:, :, None], columns[:, None, :]
    inside = torch.where(round_, rows.square() + columns.square() <= 1, torch.maximum(rows.abs(), columns.abs()) <= 1)
    inside &= ~one_sided | (rows <= 2 * kept - 1)
    return inside.to(image.dtype)
