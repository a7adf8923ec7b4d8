"""The noise level that a network is told in training, for some images, about as well as a user knows it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from monai.transforms import Randomizable
from torch import Tensor

__all__ = ["TellLevel", "local_noise_level"]

CELL = 8  # pixels a side: that of the network's own estimate at its default size
UNTOLD = -1.0


def local_noise_level(noisy: Tensor, clean: Tensor, cell: int = CELL) -> Tensor:
    """Measure the local standard deviation of the noise as a smooth map, with the window of the network's estimate.

    Variances of square cells are averaged twice over the neighboring cells, and the deviation is interpolated linearly
    between the cells' centers.

    Args:
        noisy: ``(B, C, H, W)``, sizes multiples of ``cell``.
        clean: same shape.
        cell: pixels of a cell's side.

    Returns:
        The map, same shape, in the images' units.

    Example:
        >>> noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> local_noise_level(3 + 0.5 * noise, torch.full((1, 1, 64, 64), 3.0)).mean().round(decimals=1)
        tensor(0.5000)
    """
    variance = F.avg_pool2d((noisy - clean).square(), cell)
    for _ in range(2):
        variance = F.avg_pool2d(variance, 3, 1, 1, count_include_pad=False)
    return F.interpolate(variance.sqrt(), scale_factor=float(cell), mode="bilinear")


class TellLevel(Randomizable):
    """Tell the level of some images, with an error, and of the others nothing.

    A network that is always told trusts a wrong level too much, and one that never is cannot be told.

    Args:
        share: share of the images that are told.
        jitter: standard deviation of the logarithm of the factor by which the level is wrong, one an image.
        seed: seed of all draws.

    Raises:
        ValueError: if ``share`` is outside ``[0, 1]`` or ``jitter`` negative.
    """

    def __init__(self, share: float = 0.4, jitter: float = 0.15, seed: int = 0) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in [0, 1], got {share}. Pass a share of the images.")
        if not jitter >= 0:
            raise ValueError(f"jitter must be at least 0, got {jitter}. Pass 0 for the exact level.")
        self.share, self.jitter = share, jitter
        self.set_random_state(seed)

    def __call__(self, level: Tensor) -> Tensor:
        """Draw what is told.

        Args:
            level: the true maps, ``(B, 1, H, W)``; not modified.

        Returns:
            What the network is told, same shape; -1 where it is told nothing.
        """
        count = len(level)
        told = torch.as_tensor(self.R.random_sample(count) < self.share, device=level.device)
        factors = torch.as_tensor(self.R.standard_normal(count) * self.jitter, device=level.device).to(level).exp()
        shape = (-1, *(1,) * (level.dim() - 1))
        return torch.where(told.reshape(shape), level * factors.reshape(shape), UNTOLD)
