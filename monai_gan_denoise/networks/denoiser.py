"""Generator and refinement joined: what ``network_def``, model.pt, TorchScript and ONNX hold."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from monai_gan_denoise.networks.generator import Generator
from monai_gan_denoise.networks.means import RegionalMeans
from monai_gan_denoise.networks.refinement import Refinement

__all__ = ["GanDenoiser", "TwoStageDenoiser"]


class TwoStageDenoiser(nn.Module):
    """A generator's coarse estimate, then what a refinement makes of it; images of any size.

    Args:
        generator: gives the coarse estimate of a noisy image, its noise-level map, and the features that both come
            from; its ``stride`` is what sizes must be multiples of, its ``reach`` how far in pixels its convolutions
            reach.
        refinement: gives the refined image from the noisy image and these three; with a ``reach``.
        means: gives what is put out from the noisy image, the refined image and the noise-level map, with a ``reach``;
            the refined image itself is put out if None, and in training: a network whose errors the means cover learns
            neither to avoid them nor what level the noise has, which decides what is covered.

    Attributes:
        stride: pixels after which the grid of the network repeats.
        reach: the largest distance, in pixels along an axis, between a denoised pixel and one that it depends on.
    """

    def __init__(self, generator: nn.Module, refinement: nn.Module, means: nn.Module | None = None) -> None:
        super().__init__()
        self.generator = generator
        self.refinement = refinement
        self.means = means
        self.stride = int(generator.stride)  # type: ignore[arg-type]
        # What a pixel depends on ends with cells of the coarsest grid, of which it may be the first or the last pixel.
        self.reach = int(generator.reach) + int(refinement.reach) + self.stride - 1  # type: ignore[arg-type]
        if means is not None:
            self.reach += int(means.reach)  # type: ignore[arg-type]

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise.

        Args:
            noisy: shape ``(B, C, *spatial)`` in network units, every spatial size at least 16.

        Returns:
            The denoised image, same shape.
        """
        # The margin before each axis is fixed, so that windows of an image which start on multiples of the stride see
        # the grid that the whole image sees; the margin after it is never empty, or torch.export would specialize.
        before = self.stride // 2
        margins: list[int] = []
        for axis in range(noisy.dim() - 1, 1, -1):
            margins += [before, self.stride - (noisy.shape[axis] + before) % self.stride]
        denoised = self.stages(F.pad(noisy, margins, mode="reflect"))[0]
        for axis in range(2, noisy.dim()):
            denoised = denoised.narrow(axis, before, noisy.shape[axis])
        return denoised

    def stages(self, noisy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Denoise an image whose spatial sizes are multiples of ``stride``, and show the steps.

        Returns:
            The refined image, the coarse image and the noise-level map, each shaped as ``noisy``.
        """
        coarse, level, features = self.generator(noisy)
        refined = self.refinement(noisy, coarse, level, features)
        if self.means is not None and not self.training:
            refined = self.means(noisy, refined, level)
        return refined, coarse, level


class GanDenoiser(TwoStageDenoiser):
    """Blind denoiser: a coarse estimate, a bounded correction by the refinement, regional means from the input.

    Generator, discriminator and refinement network are the paper's three networks (its abstract says no more); this
    module holds the two that denoise. The default arguments are the shipped architecture.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: channels of the image.
        features: the generator's channels, one entry a resolution; at most four, for sizes from 16 up.
        blocks: the generator's residual blocks at each resolution.
        refinement_features: the refinement's channels.
        refinement_blocks: the refinement's residual blocks.
        bound: the refinement's largest correction, as a multiple of the noise level.
        kernel_size: pixels along each side of the refinement's kernels; 0 for none.
        mean_error: standard error, in network units, up to which the mean of a cell of half a stride is the input's.
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 1,
        features: Sequence[int] = (32, 64, 96, 128),
        blocks: int = 2,
        refinement_features: int = 32,
        refinement_blocks: int = 3,
        bound: float = 2.0,
        kernel_size: int = 0,
        mean_error: float = 1.3e-3,
    ) -> None:
        generator = Generator(spatial_dims, in_channels, features, blocks)
        super().__init__(
            generator,
            Refinement(
                spatial_dims, in_channels, refinement_features, refinement_blocks, bound, features[0], kernel_size
            ),
            RegionalMeans(spatial_dims, generator.stride // 2, mean_error),
        )
