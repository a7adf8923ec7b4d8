"""Generator and refinement joined: what ``network_def``, model.pt, TorchScript and ONNX hold."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_gan_denoise.networks.fusion import NeighborFusion
from monai_gan_denoise.networks.generator import Generator
from monai_gan_denoise.networks.means import RegionalMeans
from monai_gan_denoise.networks.noise_level import NoiseLevelEstimator
from monai_gan_denoise.networks.refinement import Refinement

__all__ = ["GanDenoiser", "TwoStageDenoiser"]


class TwoStageDenoiser(nn.Module):
    """A generator's coarse estimate, then what a refinement makes of it; images of any size.

    Args:
        generator: gives the coarse estimate of a noisy image, and the features that it comes from, from the noisy
            image and its noise-level map; its ``stride`` is what sizes must be multiples of, its ``reach`` how far in
            pixels its convolutions reach.
        refinement: gives the refined image from the noisy image, the coarse one, the map and the features; with a
            ``reach``.
        means: gives what is put out from the noisy image, the refined image and the noise-level map, with a ``reach``;
            the refined image itself is put out if None, and in training: a network whose errors the means cover learns
            to avoid none of them.
        estimator: gives the noise-level map of a noisy image, with a ``reach``; None for networks that do not ask for
            one, which get a map of zeros.
        fusion: averages neighboring slices into the noisy image before anything else sees it, and gives the level of
            what is left of the noise, with a ``reach``; where it is None neighbors are not looked at.

    Attributes:
        stride: pixels after which the grid of the network repeats.
        reach: the largest distance, in pixels along an axis, between a denoised pixel and one that it depends on.
        fusion: as given.
    """

    def __init__(
        self,
        generator: nn.Module,
        refinement: nn.Module,
        means: nn.Module | None = None,
        estimator: nn.Module | None = None,
        fusion: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.refinement = refinement
        self.means = means
        self.estimator = estimator
        self.fusion = fusion
        self.stride = int(generator.stride)  # type: ignore[arg-type]
        # What a pixel depends on ends with cells of the coarsest grid, of which it may be the first or the last pixel.
        self.reach = int(generator.reach) + int(refinement.reach) + self.stride - 1  # type: ignore[arg-type]
        # The average sees the level at its own pixel alone: estimator and fusion do not reach one after another.
        level_reach, slice_reach, mean_reach = (
            0 if stage is None else int(stage.reach)  # type: ignore[arg-type]
            for stage in (estimator, fusion, means)
        )
        self.reach += max(level_reach, slice_reach) + mean_reach

    def forward(self, noisy: Tensor, level: Tensor | None = None) -> Tensor:
        """Denoise.

        Args:
            noisy: shape ``(B, S, *spatial)`` in network units, every spatial size at least 16; S is 1, or an odd number
                of neighboring slices of which the middle one is denoised. Zeros stand for slices that there are not.
            level: the noise-level map, ``(B, 1, *spatial)``, in network units; the network's own estimate if None.

        Returns:
            The denoised image, ``(B, 1, *spatial)``.
        """
        if level is not None:
            level = F.pad(level, self._margins(level), mode="replicate")
        refined = self.stages(F.pad(noisy, self._margins(noisy), mode="reflect"), level)[0]
        return self._without_margins(refined, noisy)

    @torch.jit.export
    def noise_level(self, noisy: Tensor) -> Tensor:
        """Estimate the noise-level map.

        Args:
            noisy: as for ``forward``.

        Returns:
            The standard deviation of the noise of the middle slice in network units, ``(B, 1, *spatial)``.
        """
        padded = F.pad(noisy, self._margins(noisy), mode="reflect")
        return self._without_margins(self._estimate(self._middle(padded)), noisy)

    @torch.jit.export
    def stages(self, noisy: Tensor, level: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Denoise an image whose spatial sizes are multiples of ``stride``, and show the steps.

        Args:
            noisy: as for ``forward``.
            level: as for ``forward``; where it is negative the network's own estimate is taken.

        Returns:
            The refined image, the coarse image and the network's own estimate of the noise-level map, each
            ``(B, 1, *spatial)``.
        """
        middle = self._middle(noisy)
        estimated = self._estimate(middle)
        # The estimate learns from the noise that there was, not from what level would have suited the image.
        used = estimated.detach()
        if level is not None:
            used = torch.where(level < 0, used, level)
        fused, left = middle, used
        if self.fusion is not None and noisy.shape[1] > 1:
            fused, left = self.fusion(noisy, used)
        coarse, features = self.generator(fused, left)
        refined = self.refinement(fused, coarse, left, features)
        if self.means is not None and not self.training:
            refined = self.means(middle, refined, used)
        return refined, coarse, estimated

    def _estimate(self, middle: Tensor) -> Tensor:
        return torch.zeros_like(middle) if self.estimator is None else self.estimator(middle)

    def _middle(self, noisy: Tensor) -> Tensor:
        return noisy.narrow(1, noisy.shape[1] // 2, 1)

    def _margins(self, image: Tensor) -> list[int]:
        # The margin before each axis is fixed, so that windows of an image which start on multiples of the stride see
        # the grid that the whole image sees; the margin after it is never empty, or torch.export would specialize.
        before = self.stride // 2
        margins: list[int] = []
        for axis in range(image.dim() - 1, 1, -1):
            margins += [before, self.stride - (image.shape[axis] + before) % self.stride]
        return margins

    def _without_margins(self, padded: Tensor, image: Tensor) -> Tensor:
        for axis in range(2, image.dim()):
            padded = padded.narrow(axis, self.stride // 2, image.shape[axis])
        return padded


class GanDenoiser(TwoStageDenoiser):
    """Blind denoiser: a noise-level map, a coarse estimate, a bounded correction by the refinement, regional means.

    Generator, discriminator and refinement network are the paper's three networks (its abstract says no more); this
    module holds the two that denoise. The default arguments are the shipped architecture.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        features: the generator's channels, one entry a resolution; at most four, for sizes from 16 up.
        blocks: the generator's residual blocks at each resolution.
        refinement_features: the refinement's channels.
        refinement_blocks: the refinement's residual blocks.
        bound: the refinement's largest correction, as a multiple of the noise level.
        kernel_size: pixels along each side of the refinement's kernels; 0 for none.
        mean_error: standard error, in network units, up to which the mean of a cell of half a stride is the input's.
        level_features: the noise-level estimator's channels, one entry a resolution; no more entries than ``features``.

    Example:
        >>> import torch
        >>> network = GanDenoiser()
        >>> image = torch.rand(1, 1, 50, 64)
        >>> network(image).shape, network(image, 2 * network.noise_level(image)).shape
        (torch.Size([1, 1, 50, 64]), torch.Size([1, 1, 50, 64]))
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        features: Sequence[int] = (32, 64, 96, 128),
        blocks: int = 2,
        refinement_features: int = 32,
        refinement_blocks: int = 3,
        bound: float = 2.0,
        kernel_size: int = 0,
        mean_error: float = 1.3e-3,
        level_features: Sequence[int] = (24, 32, 48),
    ) -> None:
        generator = Generator(spatial_dims, 1, features, blocks)
        super().__init__(
            generator,
            Refinement(spatial_dims, 1, refinement_features, refinement_blocks, bound, features[0], kernel_size),
            RegionalMeans(spatial_dims, generator.stride // 2, mean_error),
            NoiseLevelEstimator(spatial_dims, 1, level_features[: len(features)]),
            NeighborFusion(spatial_dims),
        )
