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

    A network that is always told trusts a wrong level too much, and one that never is cannot be told. Of some images
    that are told, only a part of the level is told, and that part of the noise is all that is to go: a network that is
    told the whole level alone removes all that looks like noise, whatever it is told.

    Args:
        share: share of the images that are told.
        jitter: standard deviation of the logarithm of the factor by which the level is wrong, one an image.
        partial: share of the told images of which a part of the noise is to go.
        least: the smallest part; parts are drawn uniformly from it to 1.
        seed: seed of all draws.

    Raises:
        ValueError: if ``share``, ``partial`` or ``least`` is outside ``[0, 1]`` or ``jitter`` negative.
    """

    def __init__(
        self, share: float = 0.4, jitter: float = 0.15, partial: float = 0.0, least: float = 0.1, seed: int = 0
    ) -> None:
        for name, value in {"share": share, "partial": partial, "least": least}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {value}. Pass a share.")
        if not jitter >= 0:
            raise ValueError(f"jitter must be at least 0, got {jitter}. Pass 0 for the exact level.")
        self.share, self.jitter, self.partial, self.least = share, jitter, partial, least
        self.set_random_state(seed)

    def __call__(self, level: Tensor, noisy: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Draw what is told, and what is asked for.

        Args:
            level: the true maps, ``(B, 1, H, W)``; not modified.
            noisy: the noisy images, same shape; not modified.
            clean: the images without the noise, same shape; not modified.

        Returns:
            What the network is told, same shape; -1 where it is told nothing. And the images that it is to give: the
            clean ones, with the rest of the noise where a part of it is to go.
        """
        count = len(level)
        told = torch.as_tensor(self.R.random_sample(count) < self.share, device=level.device)
        factors = torch.as_tensor(self.R.standard_normal(count) * self.jitter, device=level.device).to(level).exp()
        parts = torch.as_tensor(self.R.uniform(self.least, 1, count), device=level.device).to(level)
        whole = torch.as_tensor(self.R.random_sample(count) >= self.partial, device=level.device)
        parts = torch.where(told & ~whole, parts, 1.0)
        shape = (-1, *(1,) * (level.dim() - 1))
        shown = torch.where(told.reshape(shape), level * (factors * parts).reshape(shape), UNTOLD)
        return shown, clean + (1 - parts.reshape(shape)) * (noisy - clean)
