"""The discriminator: which patches of an image are real, given the noisy image that it is a denoised version of.

The paper's abstract names a discriminator and gives no layers. The design is ours: a patch classifier of strided
convolutions that sees the noisy image beside the one it judges, so that a clean image of something else does not pass.
Spectral normalization bounds how fast its verdict can change; batch normalization is left out, since it would tie the
verdict on one image to the others of the batch.

Reference: Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017 (PatchGAN);
Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.
"""

from __future__ import annotations

import torch
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

__all__ = ["Discriminator"]


class Discriminator(nn.Module):
    """Judge patches of an image, conditioned on the noisy image.

    MONAI's PatchDiscriminator without normalization layers, each convolution divided by its largest singular value.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image, which the noisy image has too.
        features: channels behind the first convolution; doubled by each layer.
        layers: layers between the first and the last convolution. All but the last halve the resolution, as the first
            convolution does; with 3, each logit sees a patch of 70 pixels a side.

    Raises:
        ValueError: if ``layers`` is less than 1.
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1, features: int = 64, layers: int = 3) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers must be at least 1, got {layers}. Pass 3 for patches of 70 pixels.")
        self.patches = PatchDiscriminator(
            spatial_dims,
            features,
            in_channels=2 * in_channels,
            num_layers_d=layers,
            norm=None,  # type: ignore[arg-type]  # MONAI's Convolution takes None, the annotation here forgets it
            bias=True,
        )
        for convolution in [module for module in self.patches.modules() if hasattr(module, "weight")]:
            spectral_norm(convolution)

    def forward(self, image: Tensor, noisy: Tensor) -> Tensor:
        """Judge an image.

        Args:
            image: clean or denoised, shape ``(B, C, *spatial)`` in network units, every spatial size at least 24 with
                the default layers.
            noisy: what ``image`` is the denoised version of, same shape.

        Returns:
            Logits, one a patch, shape ``(B, 1, *patches)``: positive means real. No activation is applied.

        Raises:
            ValueError: if the shapes differ.
        """
        return self.stages(image, noisy)[-1]

    def stages(self, image: Tensor, noisy: Tensor) -> list[Tensor]:
        """Judge an image, and show the steps, which a feature-matching loss compares.

        Args:
            image: as in ``forward``.
            noisy: as in ``forward``.

        Returns:
            The features behind every layer, coarser and coarser; the last entry holds the logits.

        Raises:
            ValueError: if the shapes differ.
        """
        if image.shape != noisy.shape:
            raise ValueError(
                f"image must be of the noisy image's shape {tuple(noisy.shape)}, got {tuple(image.shape)}. Pass a pair."
            )
        stages: list[Tensor] = self.patches(torch.cat((image, noisy), dim=1))
        return stages
