"""The game between discriminator and generator, and the discriminator's features as a perceptual measure."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["AdversarialLoss", "FeatureMatchingLoss"]

KINDS = ("least-squares", "relativistic-hinge")


class AdversarialLoss(nn.Module):
    """What discriminator and generator minimize, from logits without an activation.

    Least squares: the discriminator's logits aim at 1 for real and 0 for fake, the generator's at 1. Relativistic
    hinge: each logit is compared with the other side's mean, and beyond a margin of 1 nothing more is to be gained.
    MONAI's PatchAdversarialLoss squashes the logits first, so that its hinge never lets go; hence our own.

    Args:
        kind: ``least-squares`` or ``relativistic-hinge``.

    Raises:
        ValueError: if ``kind`` is neither.

    Reference: Mao et al., "Least squares generative adversarial networks", ICCV 2017, eq. 2; Jolicoeur-Martineau, "The
    relativistic discriminator", ICLR 2019, table 1 (average hinge).
    """

    def __init__(self, kind: str = "least-squares") -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}. Choose one.")
        self.relativistic = kind != KINDS[0]

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the discriminator.

        Args:
            real: logits of clean images.
            fake: logits of denoised images, detached from the generator; same shape.

        Returns:
            A scalar.
        """
        if self.relativistic:
            return self._hinge(real, fake)
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the generator; arguments as for the discriminator, ``real`` detached, ``fake`` not."""
        if self.relativistic:
            return self._hinge(fake, real)
        return (fake - 1).square().mean()

    @staticmethod
    def _hinge(upper: Tensor, lower: Tensor) -> Tensor:
        return (F.relu(1 - (upper - lower.mean())).mean() + F.relu(1 + (lower - upper.mean())).mean()) / 2


class FeatureMatchingLoss(nn.Module):
    """Mean over layers of the mean absolute difference between the discriminator's features.

    It is the stand-in for a perceptual network, which would have to be downloaded and has seen no medical image.

    Reference: Wang et al., "High-resolution image synthesis and semantic manipulation with conditional GANs", CVPR
    2018, eq. 4.
    """

    def forward(self, fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
        """Compare the features of a denoised and a clean image, layer by layer without the logits; a scalar."""
        return torch.stack([F.l1_loss(one, other) for one, other in zip(fake, real, strict=True)]).mean()
