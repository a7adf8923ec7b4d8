"""The generator: a coarse clean image, from a noisy one and its noise-level map.

The paper's abstract names a convolutional generator and gives no layers. The design here is ours: a residual U-Net of
dense 3x3 convolutions behind a space-to-depth front, without normalization layers and without any additive constant.

Reference: Mohan et al., "Robust and interpretable blind image denoising via bias-free convolutional neural networks",
ICLR 2020 (bias-free networks are scale-equivariant and carry over to noise levels they were not shown);
Zhang et al., "Plug-and-play image restoration with deep denoiser prior", TPAMI 2021 (residual U-Net for denoising).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

__all__ = ["Generator", "residual_blocks"]


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution and skip, without normalization or bias; keeps shape ``(B, C, *spatial)``.

    MONAI's ResidualUnit is the same map; working in place, this one allocates two tensors fewer a block.
    """

    def __init__(self, spatial_dims: int, channels: int) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1, bias=False)
        self.second = convolution(channels, channels, kernel_size=3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Add to ``features`` what two convolutions make of them."""
        residual: Tensor = self.second(F.relu_(self.first(features)))
        return residual.add_(features)


def residual_blocks(spatial_dims: int, channels: int, count: int) -> nn.Sequential:
    """Stack ``count`` residual blocks."""
    return nn.Sequential(*(ResidualBlock(spatial_dims, channels) for _ in range(count)))


class Generator(nn.Module):
    """Predict the noise, given its level, in one pass.

    A convolution of kernel and stride 2 is a pixel-unshuffle followed by a learned 1x1 convolution, its transpose a
    1x1 convolution followed by a pixel-shuffle; written so, it holds for two and for three dimensions alike.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the noisy image, which the coarse estimate has too.
        features: channels at half, quarter, ... of the input's resolution; each spatial size of the input must be a
            multiple of ``2 ** len(features)``.
        blocks: residual blocks at each resolution, on the way down and again on the way up.
        extra_blocks: residual blocks before the head besides, at half of the resolution.

    Raises:
        ValueError: if ``features`` is empty.
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 1,
        features: Sequence[int] = (32, 64, 96, 128),
        blocks: int = 2,
        extra_blocks: int = 0,
    ) -> None:
        super().__init__()
        if not features:
            raise ValueError("features must be a non-empty sequence of channel counts, got (). Pass at least one.")
        convolution, transposed = Conv[Conv.CONV, spatial_dims], Conv[Conv.CONVTRANS, spatial_dims]
        self.stride = 2 ** len(features)
        # In pixels, of the 3x3 convolutions: each reaches one pixel of its resolution, and one way down and up again
        # passes those of all resolutions twice, save the lowest: 2 (2 + 4 + ... + stride) - stride = 3 stride - 4.
        self.reach = 2 * blocks * (3 * self.stride - 4) + 4 * extra_blocks
        inputs = (in_channels, *features[:-1])

        def level(resample: type[nn.Module], i: int, o: int) -> nn.Sequential:
            return nn.Sequential(
                resample(i, o, kernel_size=2, stride=2, bias=False), residual_blocks(spatial_dims, o, blocks)
            )

        self.downs = nn.ModuleList(level(convolution, i, o) for i, o in zip(inputs, features, strict=True))
        ups = zip(features[:0:-1], features[-2::-1], strict=True)
        self.ups = nn.ModuleList(level(transposed, i, o) for i, o in ups)
        self.extra = residual_blocks(spatial_dims, features[0], extra_blocks)
        self.head = transposed(features[0], in_channels, kernel_size=2, stride=2, bias=False)
        self.level_front = convolution(in_channels, features[0], kernel_size=2, stride=2, bias=False)
        nn.init.zeros_(self.level_front.weight)

    def forward(self, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate the clean image, and show what it was drawn from.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units, sizes multiples of ``stride``.
            level: the noise-level map, same shape.

        Returns:
            The coarse estimate, shaped as ``noisy``, and the features before the head,
            ``(B, features[0], *spatial / 2)``.
        """
        features = noisy
        skips: list[Tensor] = []
        for index, down in enumerate(self.downs):
            features = down[0](features)  # type: ignore[index]
            if index == 0:
                features = features + self.level_front(level)
            features = down[1](features)  # type: ignore[index]
            skips.append(features)
        skips.pop()
        for up in self.ups:
            features = up[1](up[0](features) + skips.pop())  # type: ignore[index]
        features = self.extra(features)
        return noisy - self.head(features), features
