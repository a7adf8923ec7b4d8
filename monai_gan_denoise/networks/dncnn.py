"""DnCNN, the denoiser that learned ones are measured by.

Reference: Zhang et al., "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", IEEE TIP 2017.
"""

from __future__ import annotations

from monai.networks.blocks import Convolution
from torch import Tensor, nn

__all__ = ["DnCNN"]


class DnCNN(nn.Module):
    """Predict the noise by convolutions at full resolution.

    Convolution and ReLU, then convolutions with batch normalization and ReLU, then a convolution. It fits the place of
    a generator; ``NoRefinement`` makes it a denoiser by itself.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the noisy image, which the estimate has too.
        features: channels between the convolutions.
        layers: convolutions; the paper has 17 for one level of noise and 20 for all.

    Raises:
        ValueError: if there are fewer than 2 layers.
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1, features: int = 64, layers: int = 17) -> None:
        super().__init__()
        if layers < 2:
            raise ValueError(f"layers must be at least 2, got {layers}. Pass 17 for the paper's network.")
        self.stride = 1
        self.reach = layers  # pixels

        def normalized() -> Convolution:
            return Convolution(
                spatial_dims, features, features, adn_ordering="NA", act="relu", norm="batch", bias=False
            )

        self.layers = nn.Sequential(
            Convolution(spatial_dims, in_channels, features, adn_ordering="A", act="relu"),
            *(normalized() for _ in range(layers - 2)),
            Convolution(spatial_dims, features, in_channels, conv_only=True),
        )

    def forward(self, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate the clean image.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units.
            level: not looked at.

        Returns:
            The estimate, and in the place of features the estimate again; each shaped as ``noisy``.
        """
        estimate = noisy - self.layers(noisy)
        return estimate, estimate
