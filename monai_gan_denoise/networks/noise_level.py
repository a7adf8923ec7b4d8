"""The noise-level map: how noisy an image is where, estimated before anything is removed.

A blind network decides pixel by pixel whether texture is noise, and flips between the two answers from patch to patch.
So the level is estimated first, by a network of its own that sees a neighborhood and answers smoothly, and the
denoising is told the answer. A user who knows better may tell it another one.

Reference: Guo et al., "Toward convolutional blind denoising of real photographs", CVPR 2019 (CBDNet: a network for the
noise level before the one that denoises); Zhang et al., "FFDNet: toward a fast and flexible solution for CNN-based
image denoising", IEEE TIP 2018 (a noise-level map as input).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

__all__ = ["NoiseLevelEstimator"]

PASSES = 2  # of a mean over 3 cells along each axis: a bell, about two cells wide on either side


class NoiseLevelEstimator(nn.Module):
    """Estimate the local standard deviation of the noise, as a smooth map.

    Strided and 3x3 convolutions with ReLU and without additive constants give a deviation a cell; variances of
    neighboring cells are averaged, and the map is interpolated linearly between the cells' centers. Without constants
    an image of twice the contrast has twice the level.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image, which the map has too.
        features: channels at half, quarter, ... of the resolution; the last is that of the cells.
        blocks: 3x3 convolutions at each resolution.

    Attributes:
        stride: pixels of a cell's side; sizes must be multiples of it.
        reach: how far a pixel of the map sees, in pixels.

    Example:
        >>> import torch
        >>> estimator = NoiseLevelEstimator()
        >>> estimator(torch.rand(1, 1, 64, 64)).shape
        torch.Size([1, 1, 64, 64])
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 1,
        features: Sequence[int] = (24, 32, 48),
        blocks: int = 2,
    ) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, spatial_dims]
        self.stride = 2 ** len(features)
        # Convolutions reach a pixel of their resolution, 2 + 4 + ... = 2 stride - 2 in all; the means a cell a pass;
        # the interpolation from the last pixel of a cell's first half to the first one of the cell before.
        self.reach = blocks * (2 * self.stride - 2) + (PASSES + 1) * self.stride + self.stride // 2 - 1
        layers: list[nn.Module] = []
        for inputs, outputs in zip((in_channels, *features[:-1]), features, strict=True):
            layers.append(convolution(inputs, outputs, kernel_size=2, stride=2, bias=False))
            for _ in range(blocks):
                layers += [convolution(outputs, outputs, kernel_size=3, padding=1, bias=False), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = convolution(features[-1], in_channels, kernel_size=1, bias=False)
        self.mean = {2: nn.AvgPool2d, 3: nn.AvgPool3d}[spatial_dims](3, 1, 1, count_include_pad=False)
        self.interpolation = {2: "bilinear", 3: "trilinear"}[spatial_dims]

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units, sizes multiples of ``stride``; those of a volume at
                least three times the stride.

        Returns:
            The standard deviation of the noise, same shape, never negative.
        """
        variance = self.head(self.layers(noisy)).float().square()
        variance = self.mean(self.mean(variance))  # PASSES times, which TorchScript does not know
        # The floor keeps the root's gradient finite where an image is constant.
        deviation = (variance + 1e-12).sqrt()
        return F.interpolate(deviation, scale_factor=float(self.stride), mode=self.interpolation)
