"""The trainer: generator and refinement against the discriminator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from ignite.metrics import Metric
from monai.engines import Trainer, default_metric_cmp_fn
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys, GanKeys
from torch import Tensor, nn
from torch.optim import Optimizer

from monai_gan_denoise.engines.adversary import Adversary
from monai_gan_denoise.engines.inferers import StagesInferer

__all__ = ["TERMS", "DenoisingTrainer"]

TERMS = "terms"  # key of the output: the weighted terms of the loss, by name


class DenoisingTrainer(Trainer):
    """Train a denoiser on pairs of a noisy and a clean image, first for fidelity, then also against an adversary.

    MONAI's AdversarialTrainer shows the discriminator its *input* as real, here the noisy image; hence our own. The
    output of an iteration holds ``image``, ``label`` and ``pred``, ``loss``, its weighted ``terms`` by name, and once
    the adversary plays ``d_loss``, which is also among the terms. The events of MONAI's trainers fire in their order.

    Args:
        device: where the images go.
        max_epochs: epochs.
        train_data_loader: batches for ``prepare_batch``.
        network: the denoiser that shows its stages, ``networks.Staged``; perhaps distributed.
        optimizer: of its weights.
        loss_function: of the stages and the clean image; weighted terms by name, see ``losses.DenoisingLoss``.
        prepare_batch: makes the noisy and the clean image of a batch, see ``transforms.SimulateNoise``.
        adversary: the discriminator's side; None to train for fidelity alone.
        inferer: calls the network, perhaps in bfloat16.
        noise_level: measures the true noise-level map from the noisy and the clean image, for the loss.
        tell_level: of the true maps, the noisy and the clean images, what the network is told and what it is to give,
            see ``transforms.TellLevel``; nothing, and the clean images, if None.
        epoch_length: iterations an epoch; one pass over the data if None.
        train_handlers: handlers with an ``attach``.
        key_train_metric: the metric that tells the best epoch, by name.
        additional_metrics: more metrics by name.
        metric_cmp_fn: whether a new value of the key metric is better than the best.
    """

    def __init__(
        self,
        device: torch.device,
        max_epochs: int,
        train_data_loader: Iterable[Any],
        network: nn.Module,
        optimizer: Optimizer,
        loss_function: nn.Module,
        prepare_batch: Callable[..., tuple[Tensor, Tensor]],
        noise_level: Callable[[Tensor, Tensor], Tensor],
        adversary: Adversary | None = None,
        inferer: StagesInferer | None = None,
        tell_level: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
        epoch_length: int | None = None,
        train_handlers: Sequence[Any] | None = None,
        key_train_metric: dict[str, Metric] | None = None,
        additional_metrics: dict[str, Metric] | None = None,
        metric_cmp_fn: Callable[[Any, Any], bool] = default_metric_cmp_fn,
    ) -> None:
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            epoch_length=epoch_length,
            prepare_batch=prepare_batch,
            key_metric=key_train_metric,
            additional_metrics=additional_metrics,
            metric_cmp_fn=metric_cmp_fn,
            handlers=train_handlers,
            decollate=False,
        )
        self.network, self.optimizer, self.loss_function = network, optimizer, loss_function
        self.adversary, self.inferer = adversary, inferer or StagesInferer()
        self.noise_level, self.tell_level = noise_level, tell_level

    def _iteration(self, engine: DenoisingTrainer, batchdata: Any) -> dict[str, Any]:
        slices, clean = engine.prepare_batch(batchdata, engine.state.device, engine.non_blocking)
        noisy = slices.narrow(1, slices.shape[1] // 2, 1)  # the middle one of neighboring slices
        level = engine.noise_level(noisy, clean)
        told = None
        if engine.tell_level is not None:
            told, clean = engine.tell_level(level, noisy, clean)
        output: dict[str, Any] = {CommonKeys.IMAGE: noisy, CommonKeys.LABEL: clean}
        engine.state.output = output
        engine.network.train()
        stages = engine.inferer(slices, engine.network, told)
        output[CommonKeys.PRED] = stages[0].detach()
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        terms: dict[str, Tensor] = engine.loss_function((*stages, level), clean)
        terms |= engine._play(stages[0], clean, noisy)
        loss = torch.stack(list(terms.values())).sum()
        output[CommonKeys.LOSS] = loss.detach()
        output[TERMS] = {name: float(term.detach()) for name, term in terms.items()}
        if GanKeys.DLOSS in output:
            output[TERMS][GanKeys.DLOSS] = float(output[GanKeys.DLOSS])
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        engine.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        engine.optimizer.step()
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return output

    def _play(self, denoised: Tensor, clean: Tensor, noisy: Tensor) -> dict[str, Tensor]:
        """Let the adversary learn, and hear its judgment once it knows something."""
        played = 0 if self.adversary is None else self.state.iteration - self.adversary.begin
        if self.adversary is None or played <= 0:
            return {}
        bfloat16 = self.inferer.bfloat16
        self.state.output[GanKeys.DLOSS] = self.adversary.learn(clean, denoised, noisy, bfloat16)
        if played <= self.adversary.warmup:
            return {}
        return self.adversary.judge(clean, denoised, noisy, bfloat16)
