"""Noise that was made on a coarser grid and interpolated, as reconstructions and scan converters do."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.draws import chance, uniform
from monai_gan_denoise.transforms.noise.level import at_least_zero

__all__ = ["METHODS", "add_upsampled_noise"]

METHODS = ("linear", "cubic", "fourier")
RANDOM = "random"
CUBIC = -0.75  # the kernel's free parameter, as in torch and OpenCV
SAME_FACTOR = 0.5  # share of the images whose rows and columns are interpolated by the same factor
REACH = 2  # nodes on either side that the widest of the local kernels takes


def add_upsampled_noise(
    image: Tensor,
    std: float | Tensor,
    rng: Generator,
    method: str = RANDOM,
    smallest: float = 1.2,
    largest: float = 2.5,
) -> Tensor:
    """Add white Gaussian noise of a coarser grid, interpolated: ``y = x + std R n C'``.

    ``R`` and ``C`` interpolate along rows and columns, scaled so that the mean variance over the image is that of
    ``std``. Between the nodes, linear and cubic interpolation make noise weaker than at them; the Fourier method,
    zero-filling of an odd number of frequencies, does not.

    Args:
        image: the clean image, ``(..., H, W)``; not modified.
        std: root mean square of the noise in the image's units, not negative.
        rng: source of randomness, on the device of ``image``; every slice draws its own factors and method.
        method: "linear", "cubic", "fourier", or "random" for one of them at random.
        smallest: smallest factor of enlargement, at least 1.
        largest: largest one; half of the images have the same along both axes.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative, ``method`` unknown or the factors are out of range.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> add_upsampled_noise(torch.zeros(1, 1, 96, 96), 0.1, rng, method="cubic").shape
        torch.Size([1, 1, 96, 96])

    Reference: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981.
    """
    if method not in (*METHODS, RANDOM):
        raise ValueError(f"method must be one of {', '.join((*METHODS, RANDOM))}, got {method!r}. Choose one.")
    if not 1 <= smallest <= largest:
        raise ValueError(
            f"smallest must be at least 1 and at most largest, got {smallest:g} and {largest:g}. "
            "Pass factors of enlargement, such as 1.2 and 2.5."
        )
    level = at_least_zero(std, "std", image)
    row_factor, other = (uniform(image, smallest, largest, rng) for _ in range(2))
    column_factor = torch.where(chance(image, SAME_FACTOR, rng), row_factor, other)
    drawn = uniform(image, 0.0, len(METHODS), rng).flatten().long().clamp_(max=len(METHODS) - 1)
    noise = torch.empty_like(image).reshape(-1, *image.shape[-2:])
    for number, name in enumerate(METHODS):
        chosen = drawn == number if method == RANDOM else torch.full_like(drawn, name == method, dtype=torch.bool)
        if bool(chosen.any()):
            factors = (row_factor[chosen], column_factor[chosen])
            rows, columns = (
                _interpolation(length, factor, smallest, name, rng)
                for length, factor in zip(image.shape[-2:], factors, strict=True)
            )
            size = (len(rows), rows.shape[-1], columns.shape[-1])
            coarse = torch.randn(size, generator=rng, dtype=image.dtype, device=image.device)
            noise[chosen] = rows @ coarse @ columns.mT
    return noise.reshape(image.shape).mul_(level).add_(image)


def _interpolation(length: int, factor: Tensor, smallest: float, method: str, rng: Generator) -> Tensor:
    """Weights of each node, ``(N, length, nodes)``, at each pixel; their mean energy a pixel is 1."""
    pixels = torch.arange(length, dtype=factor.dtype, device=factor.device)[:, None]
    nodes = torch.arange(int(length / smallest) + 2 * REACH + 1, dtype=factor.dtype, device=factor.device)
    if method == "fourier":
        count = 2 * (length / factor / 2 - 0.5).round() + 1  # odd: a pair of each frequency, and the mean
        distance = (pixels * (count / length) - nodes) * math.pi
        weights = torch.where(distance == 0, 1.0, distance.sin() / (count * (distance / count).sin()))
        weights = torch.where(nodes < count, weights, 0.0)
    else:
        distance = (pixels / factor + (REACH - 1) + uniform(factor, 0.0, 1.0, rng) - nodes).abs_()
        weights = (1 - distance).clamp_(min=0) if method == "linear" else _cubic(distance)
    return weights.div_(weights.square().sum(-1, keepdim=True).mean(-2, keepdim=True).sqrt())


def _cubic(distance: Tensor) -> Tensor:
    near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance.square() + 1
    far = CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, 0.0))
