"""The refinement network: a small correction of the coarse estimate, never larger than the noise allows.

The paper's abstract adds a refinement network to the generator and the discriminator, and gives no layers. The
inputs, the zero start and the bound are our design: what a second network may add to a medical image has to be limited
by what the noise could have hidden. That it sees the generator's features besides its image is what later stages of
restoration networks do.

Reference: Zamir et al., "Multi-stage progressive image restoration", CVPR 2021, section 3.4 (feature fusion);
Mildenhall et al., "Burst denoising with kernel prediction networks", CVPR 2018 (a kernel for every pixel).
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_gan_denoise.networks.generator import residual_blocks

__all__ = ["NoRefinement", "Refinement"]

LEVEL_FLOOR = 1e-6  # network units; keeps 0 / 0 out of the bound, far below the weakest noise of interest


class Refinement(nn.Module):
    """Correct the coarse estimate by at most ``bound`` noise levels.

    The last convolution starts at zero, so an untrained refinement is the identity. The bound is a soft clip,
    ``b tanh(z / b)`` with ``b = bound * level``: where there is no noise, nothing can be added.

    With kernels, structure is given back besides, out of what the generator removed: each pixel gets a weighted sum of
    the removed around it, with weights in ``(-1, 1)`` that are predicted for that pixel, under the same bound.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image.
        features: channels of the residual blocks, which work at half of the resolution.
        blocks: number of residual blocks.
        bound: largest correction, as a multiple of the noise level.
        generator_features: channels of the generator's features.
        kernel_size: pixels along each side of a kernel, odd; 0 for no kernels.

    Raises:
        ValueError: if ``bound`` is not positive, or ``kernel_size`` neither odd nor 0.
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 1,
        features: int = 32,
        blocks: int = 3,
        bound: float = 2.0,
        generator_features: int = 32,
        kernel_size: int = 0,
    ) -> None:
        super().__init__()
        if bound <= 0:
            raise ValueError(f"bound must be positive, got {bound}. Pass a multiple of the noise level such as 2.0.")
        if kernel_size < 0 or (kernel_size and kernel_size % 2 == 0):
            raise ValueError(f"kernel_size must be 0 or odd, got {kernel_size}. Pass 5, or 0 for no kernels.")
        self.bound = bound
        self.radius = kernel_size // 2
        self.reach = max(4 * blocks, self.radius)  # pixels; two convolutions a block, at half of the resolution
        self.floor = LEVEL_FLOOR
        self.front = Conv[Conv.CONV, spatial_dims](4 * in_channels, features, kernel_size=2, stride=2, bias=False)
        self.fusion = Conv[Conv.CONV, spatial_dims](generator_features, features, kernel_size=1, bias=False)
        self.body = residual_blocks(spatial_dims, features, blocks)
        self.head = Conv[Conv.CONVTRANS, spatial_dims](features, in_channels, kernel_size=2, stride=2, bias=False)
        nn.init.zeros_(self.head.weight)
        self.taps = [list(tap) for tap in product(range(kernel_size), repeat=spatial_dims)]
        self.kernels: nn.Module | None = None
        if kernel_size:
            kernels = Conv[Conv.CONVTRANS, spatial_dims](features, len(self.taps), kernel_size=2, stride=2, bias=False)
            nn.init.zeros_(kernels.weight)
            self.kernels = kernels

    def forward(self, noisy: Tensor, coarse: Tensor, level: Tensor, features: Tensor) -> Tensor:
        """Refine the coarse estimate.

        Args:
            noisy: the input, shape ``(B, C, *spatial)`` with even sizes, in network units.
            coarse: the generator's estimate, same shape.
            level: the noise-level map, same shape, not negative.
            features: the generator's features, ``(B, generator_features, *spatial / 2)``.

        Returns:
            ``coarse`` plus the bounded correction, same shape.
        """
        evidence = torch.cat((noisy, coarse, noisy - coarse, level), dim=1)
        drawn = self.body(self.front(evidence) + self.fusion(features))
        correction = self.head(drawn)
        limit = self.bound * level + self.floor
        if self.kernels is not None:
            kernels = torch.tanh(self.kernels(drawn) / limit).contiguous()  # a tap at a time, not a pixel
            correction = correction + self._given_back(noisy - coarse, kernels)
        return coarse + self.bound * level * torch.tanh(correction / limit)

    def _given_back(self, removed: Tensor, kernels: Tensor) -> Tensor:
        """Weigh what was removed around each pixel by the pixel's kernel, ``(B, taps, *spatial)``."""
        margins = [self.radius] * (2 * (removed.dim() - 2))
        around = F.pad(removed, margins, mode="reflect")
        total = torch.zeros_like(removed)
        for index, tap in enumerate(self.taps):
            shifted = around
            for axis, start in enumerate(tap):
                shifted = shifted.narrow(axis + 2, start, removed.shape[axis + 2])
            total = total + kernels[:, index : index + 1] * shifted
        return total


class NoRefinement(nn.Module):
    """Leave the coarse estimate as it is: for a single network in the place of two."""

    reach = 0

    def forward(self, noisy: Tensor, coarse: Tensor, level: Tensor, features: Tensor) -> Tensor:
        """Give back ``coarse``."""
        return coarse
