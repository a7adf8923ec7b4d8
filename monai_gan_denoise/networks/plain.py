"""The plain form of the three networks: those of DCGAN, as far as images in and images out allow, from MONAI's blocks.

What an abstract that names a generator, a discriminator and a refinement network suggests without further thought, and
hence what our design is compared with. DCGAN's rules are kept: strided and transposed convolutions instead of pooling,
batch normalization in all but the generator's last and the discriminator's first layer, ReLU in the one and leaky ReLU
in the other, weights that start from N(0, 0.02). As in pix2pix the generator starts from an image and has skip
connections, and the discriminator judges patches. No final tanh: values in network units are not bounded.

Reference: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
networks", ICLR 2016, section 3; Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR
2017, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets import PatchDiscriminator, UNet
from monai.networks.utils import normal_init
from torch import Tensor, nn

__all__ = ["PlainDiscriminator", "PlainGenerator", "PlainRefinement"]


class PlainGenerator(nn.Module):
    """Predict the clean image by an encoder and a decoder.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the noisy image, which the coarse estimate has too.
        features: channels at half, quarter, ... of the input's resolution, then the bottom's.
    """

    def __init__(
        self, spatial_dims: int = 2, in_channels: int = 1, features: Sequence[int] = (32, 64, 128, 256)
    ) -> None:
        super().__init__()
        strides = (2,) * (len(features) - 1)
        self.stride = 2 ** len(strides)
        # In pixels, of kernels of 3: 1 + 2 + ... on the way down, the stride at the bottom, ... + 2 + 1 on the way up.
        self.reach = 3 * self.stride - 2
        self.layers = UNet(
            spatial_dims, in_channels, in_channels, features, strides, act="relu", norm="batch", bias=False
        )
        self.apply(normal_init)

    def forward(self, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate the clean image.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units, sizes multiples of ``stride``.
            level: not looked at.

        Returns:
            The coarse estimate, and in the place of features the estimate again; each shaped as ``noisy``.
        """
        coarse = self.layers(noisy)
        return coarse, coarse


class PlainRefinement(nn.Module):
    """Correct the coarse estimate by a few convolutions, unbounded.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image.
        features: channels between the convolutions.
        layers: convolutions, the last of which has neither normalization nor activation.
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1, features: int = 32, layers: int = 3) -> None:
        super().__init__()
        self.reach = layers  # pixels
        inputs = (2 * in_channels, *(features,) * (layers - 2))
        hidden = (
            Convolution(spatial_dims, channels, features, adn_ordering="NA", act="relu", norm="batch", bias=False)
            for channels in inputs
        )
        last = Convolution(spatial_dims, features, in_channels, conv_only=True)
        self.layers = nn.Sequential(*hidden, last)
        self.apply(normal_init)

    def forward(self, noisy: Tensor, coarse: Tensor, level: Tensor, features: Tensor) -> Tensor:
        """Add a correction to ``coarse``, of shape ``(B, C, *spatial)``; map and features are not looked at."""
        refined: Tensor = coarse + self.layers(torch.cat((noisy, coarse), dim=1))
        return refined


class PlainDiscriminator(nn.Module):
    """Judge patches of an image without knowing the noisy one: MONAI's PatchDiscriminator as it is.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image.
        features: channels behind the first convolution; doubled by each layer.
        layers: layers between the first and the last convolution.
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1, features: int = 32, layers: int = 3) -> None:
        super().__init__()
        self.patches = PatchDiscriminator(spatial_dims, features, in_channels, num_layers_d=layers, norm="batch")

    def forward(self, image: Tensor, noisy: Tensor) -> Tensor:
        """Judge an image ``(B, C, *spatial)``; logits, one a patch."""
        return self.stages(image, noisy)[-1]

    def stages(self, image: Tensor, noisy: Tensor) -> list[Tensor]:
        """Judge an image, and show the features behind every layer; the last entry holds the logits.

        It learns from clean and denoised images in one batch, and judges them in two. While its weights are frozen it
        therefore takes the running statistics: those of a batch of denoised images alone would be others.
        """
        self.patches.train(self.training and next(self.parameters()).requires_grad)
        stages: list[Tensor] = self.patches(image)
        return stages
