"""Regional means that a denoised image shares with its input, as far as the input's noise leaves them known.

Averaging is the denoiser that invents nothing: over a region the noise cancels, whereas what a network is off by in a
region, all of its pixels share. So where noise is weak a region keeps the input's mean, which would otherwise change
from slice to slice by what the network adds, and where noise is strong it has the network's.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["RegionalMeans"]


class RegionalMeans(nn.Module):
    """Bring the means of square cells back to those of the noisy image where these can be trusted.

    The mean of a cell of ``n`` pixels in noise of level ``s`` has a standard error of ``s / sqrt(n)``. While that is
    well below ``error`` the cell gets the input's mean, and none of it where it is well above: the weight is
    ``1 / (1 + (s^2 / n / error^2)^2)``. It falls faster than the precisions' ratio, since the noise of magnitude MR and
    of impulses shifts the mean, by a multiple of its level that averaging does not lessen. Between the cells' centers
    the change is interpolated linearly, so that no cell has an edge.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        cell: pixels of a side.
        error: standard error up to which the input's mean is trusted, in network units.

    Raises:
        ValueError: if ``error`` is not positive.
    """

    def __init__(self, spatial_dims: int, cell: int, error: float) -> None:
        super().__init__()
        if error <= 0:
            raise ValueError(f"error must be positive, got {error}. Pass a share of the range such as 1e-3.")
        self.cell = cell
        self.error = error
        self.pixels = cell**spatial_dims
        self.reach = cell + cell // 2 - 1  # from the last pixel of a cell's first half to the first of the cell before
        self.mean = {2: nn.AvgPool2d, 3: nn.AvgPool3d}[spatial_dims](cell)
        self.interpolation = {2: "bilinear", 3: "trilinear"}[spatial_dims]

    def forward(self, noisy: Tensor, denoised: Tensor, level: Tensor) -> Tensor:
        """Correct the means.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units, sizes multiples of ``cell``.
            denoised: same shape.
            level: standard deviation of the noise, same shape.

        Returns:
            The corrected image, same shape.
        """
        # Not in half precision, whose range squares leave; and the level is not to learn what weight suits the image.
        variance = self.mean((level.detach().float() / self.error).square()) / self.pixels
        weight = 1 / (1 + variance.square())
        change = weight * self.mean(noisy - denoised)
        return denoised + F.interpolate(change, scale_factor=float(self.cell), mode=self.interpolation)
