"""Small players for the tests of the trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_gan_denoise.engines import Adversary, DenoisingTrainer
from monai_gan_denoise.losses import AdversarialLoss, CharbonnierLoss, DenoisingLoss, FeatureMatchingLoss
from monai_gan_denoise.networks import Discriminator, GanDenoiser, Staged
from monai_gan_denoise.transforms import local_noise_level


class Witness(nn.Module):
    """A discriminator that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.staged = Staged(Discriminator(features=4, layers=2))
        self.shown: list[tuple[Tensor, Tensor]] = []

    def forward(self, images: Tensor, noisy: Tensor) -> list[Tensor]:
        self.shown.append((images.detach().clone(), noisy.detach().clone()))
        stages: list[Tensor] = self.staged(images, noisy)
        return stages


@pytest.fixture
def witness() -> Witness:
    torch.manual_seed(0)
    return Witness()


@pytest.fixture
def adversary(witness: Witness) -> Adversary:
    optimizer = torch.optim.AdamW(witness.parameters(), lr=1e-3)
    return Adversary(witness, optimizer, AdversarialLoss(), FeatureMatchingLoss(), weight=0.1, feature_weight=0.5)


@pytest.fixture
def images() -> list[tuple[Tensor, Tensor]]:
    """Six batches of a noisy and a clean image, (2, 1, 32, 32) each."""
    torch.manual_seed(1)
    clean = torch.rand(6, 2, 1, 32, 32)
    return [(one + 0.1 * torch.randn_like(one), one) for one in clean]


@pytest.fixture
def make_trainer(images: list[tuple[Tensor, Tensor]]) -> Callable[..., DenoisingTrainer]:
    """Make a trainer of a small denoiser, of one epoch of six iterations."""

    def make(
        adversary: Adversary | None = None,
        handlers: tuple[object, ...] = (),
        epochs: int = 1,
        **settings: Any,
    ) -> DenoisingTrainer:
        torch.manual_seed(2)
        network = GanDenoiser(features=(4, 4), refinement_features=4)
        given: dict[str, Any] = {"prepare_batch": lambda batch, *_: batch, "noise_level": local_noise_level}
        return DenoisingTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=images,
            network=Staged(network),
            optimizer=torch.optim.AdamW(network.parameters(), lr=1e-3),
            loss_function=DenoisingLoss({"charbonnier": CharbonnierLoss()}, {"charbonnier": 1.0, "level": 0.1}),
            adversary=adversary,
            train_handlers=handlers,
            **{**given, **settings},
        )

    return make
