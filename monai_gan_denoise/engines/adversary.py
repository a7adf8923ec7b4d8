"""The discriminator's side of the training: it learns to tell clean from denoised, and says how well it can."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from monai_gan_denoise.engines.handlers import TrainingError

__all__ = ["Adversary"]


class Adversary:
    """Play against the denoiser: clean images are real, denoised ones are fake, both beside the noisy image.

    Args:
        network: a discriminator that shows its stages, ``networks.Staged``, the logits last; perhaps distributed.
        optimizer: of its weights.
        loss: with the methods ``discriminator`` and ``generator``, see ``losses.AdversarialLoss``.
        feature_loss: of the discriminator's features, see ``losses.FeatureMatchingLoss``.
        weight: of the adversarial term in the denoiser's loss.
        feature_weight: of the feature-matching term.
        begin: updates of the denoiser before the discriminator learns.
        warmup: updates from then on during which the discriminator learns alone, so that the denoiser is not led by
            one that knows nothing.
        max_norm: largest norm of the discriminator's gradient.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        loss: nn.Module,
        feature_loss: nn.Module,
        weight: float,
        feature_weight: float,
        begin: int = 0,
        warmup: int = 0,
        max_norm: float = 1.0,
    ) -> None:
        self.network, self.optimizer = network, optimizer
        self.loss, self.feature_loss = loss, feature_loss
        self.weight, self.feature_weight = weight, feature_weight
        self.begin, self.warmup, self.max_norm = begin, warmup, max_norm

    def learn(self, clean: Tensor, denoised: Tensor, noisy: Tensor, bfloat16: bool = False) -> Tensor:
        """Update the discriminator once.

        Args:
            clean: what is real, ``(B, C, H, W)``.
            denoised: what is fake, same shape; no gradient reaches the denoiser.
            noisy: what both belong to, same shape.
            bfloat16: compute in bfloat16.

        Returns:
            Its loss, a scalar without gradient.

        Raises:
            TrainingError: if the gradient is not finite, before the optimizer spoils the weights with it.
        """
        self.network.train().requires_grad_(True)
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=bfloat16):
            # One pass: two would make DistributedDataParallel wait for gradients that never come.
            logits = self.network(torch.cat((clean, denoised.detach())), torch.cat((noisy, noisy)))[-1].float()
        loss: Tensor = self.loss.discriminator(*logits.chunk(2))  # type: ignore[operator]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm))
        if not math.isfinite(norm):
            raise TrainingError(
                f"gradient of the discriminator must be finite, got {norm}. The last checkpoint is good: resume from "
                "it with a lower d_learning_rate."
            )
        self.optimizer.step()
        return loss.detach()

    def judge(self, clean: Tensor, denoised: Tensor, noisy: Tensor, bfloat16: bool = False) -> dict[str, Tensor]:
        """Give the denoiser its weighted terms, ``adversarial`` and ``features``; arguments as for ``learn``."""
        network: nn.Module = getattr(self.network, "module", self.network)  # nothing to synchronize: it only judges
        network.requires_grad_(False)
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=bfloat16):
            with torch.no_grad():
                *real_features, real = [stage.float() for stage in network(clean, noisy)]
            *fake_features, fake = [stage.float() for stage in network(denoised, noisy)]
        return {
            "adversarial": self.weight * self.loss.generator(real, fake),  # type: ignore[operator]
            "features": self.feature_weight * self.feature_loss(fake_features, real_features),
        }
