"""Neighboring slices made from a single image: what a slice a little further would show.

Volumes with little noise are few. A slice's neighbor shows nearly the same structures, a little moved, deformed and
faded into others; so it is made from the slice itself, as training for bursts makes the frames of a burst.

Reference: Mildenhall et al., "Burst denoising with kernel prediction networks", CVPR 2018, section 4 (synthetic
bursts).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["SyntheticNeighbors"]

CELLS = 4  # points of the grid along each axis by which a slice is deformed


@dataclass(frozen=True)
class SyntheticNeighbors:
    """Draw the neighbors of single images.

    How different neighbors are is drawn for each image, uniformly from none to what is given here, for slices are
    between a fraction of a pixel and ten pixels apart. What is given is for the next slice; it grows with the distance.

    Attributes:
        count: neighbors on either side.
        shift: largest shift along each axis, in pixels.
        warp: standard deviation of the deformation, in pixels.
        scale: largest change of scale, and of the angle in radians.
        dissolve: largest share of another image of the batch.
        unrelated: share of images whose neighbors show something else, so that they are not trusted blindly.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> SyntheticNeighbors(count=2).draw(torch.rand(3, 1, 32, 32), rng).shape
        torch.Size([3, 4, 32, 32])
    """

    count: int = 2
    shift: float = 1.0
    warp: float = 0.7
    scale: float = 0.015
    dissolve: float = 0.15
    unrelated: float = 0.07

    def draw(self, images: Tensor, rng: Generator) -> Tensor:
        """Draw the neighbors of each image.

        Args:
            images: ``(B, 1, H, W)``; not modified.
            rng: source of randomness, on the device of ``images``.

        Returns:
            The slices before and after, in order and without the middle one, ``(B, 2 count, H, W)``.
        """
        batch, sides = len(images), 2 * self.count
        distances = torch.tensor([d for d in range(-self.count, self.count + 1) if d], device=images.device)
        distances = distances.to(images)[None, :]
        amount = torch.rand((batch, 1), generator=rng, device=images.device)
        others = images.roll(1, 0)
        strange = torch.rand((batch, 1, 1, 1), generator=rng, device=images.device) < self.unrelated
        field = self._field(images.shape, distances * amount, rng)
        sources = torch.where(strange, others, images).repeat_interleave(sides, 0)
        moved = F.grid_sample(sources, field, mode="bicubic", padding_mode="reflection", align_corners=False)
        moved = moved.reshape(batch, sides, *images.shape[-2:])
        share = self.dissolve * (distances.abs() * amount).clamp(max=2) / 2
        share = share * torch.rand((batch, 1), generator=rng, device=images.device)
        return torch.lerp(moved, others.expand_as(moved), share[..., None, None])

    def _field(self, shape: torch.Size, distances: Tensor, rng: Generator) -> Tensor:
        """Draw where each pixel of each neighbor comes from, ``(B sides, H, W, 2)`` in grid_sample's units."""
        batch, (height, width) = shape[0], shape[-2:]
        sides = distances.shape[1]
        device = distances.device
        half = torch.tensor([width / 2, height / 2], device=device)  # pixels a unit of grid_sample

        def uniform(*size: int) -> Tensor:
            return 2 * torch.rand(size, generator=rng, device=device) - 1

        change = self.scale * distances * uniform(batch, 1)
        turn = self.scale * distances * uniform(batch, 1)
        shift = self.shift * distances[..., None] * uniform(batch, 1, 2) / half
        rows = (torch.stack((1 + change, -turn), -1), torch.stack((turn, 1 + change), -1))
        matrices = torch.cat((torch.stack(rows, -2), shift[..., None]), -1).reshape(batch * sides, 2, 3)
        grid = F.affine_grid(matrices, [batch * sides, 1, height, width], align_corners=False)
        coarse = self.warp * torch.randn((batch, 2, CELLS, CELLS), generator=rng, device=device)
        smooth = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
        warp = smooth.movedim(1, -1)[:, None] * distances[..., None, None, None] / half
        return grid + warp.reshape(batch * sides, height, width, 2)
