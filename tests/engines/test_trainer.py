"""The order of the game: when the adversary learns, when it leads, what an iteration says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from ignite.engine import Engine, Events
from ignite.handlers import EMAHandler
from monai.engines.utils import IterationEvents
from torch import Tensor, nn

from monai_gan_denoise.engines import Adversary, DenoisingTrainer, LossGuard, TrainingError

Make = Callable[..., DenoisingTrainer]


def record(trainer: DenoisingTrainer) -> list[dict[str, object]]:
    """The outputs of all iterations, as they are run."""
    outputs: list[dict[str, object]] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: outputs.append(engine.state.output))
    trainer.run()
    return outputs


def test_discriminator_sees_clean_images_as_real_in_every_iteration(
    make_trainer: Make, adversary: Adversary, witness: nn.Module, images: list[tuple[Tensor, Tensor]]
) -> None:
    adversary.warmup = 6  # so that it only learns
    outputs = record(make_trainer(adversary))
    assert len(witness.shown) == len(images) == 6
    for (shown, beside), output, (noisy, clean) in zip(witness.shown, outputs, images, strict=True):
        assert torch.equal(shown, torch.cat((clean, output["pred"])))
        assert torch.equal(beside, torch.cat((noisy, noisy)))
        assert not torch.equal(output["pred"], noisy)


def with_neighbors(batch: tuple[Tensor, Tensor], *_: object) -> tuple[Tensor, Tensor]:
    """Put other images before and after the noisy one."""
    noisy, clean = batch
    return torch.cat((noisy + 1, noisy.flip(-1), noisy, noisy.flip(-2), noisy - 1), dim=1), clean


def test_discriminator_sees_the_middle_one_of_neighboring_slices_alone(
    make_trainer: Make, adversary: Adversary, witness: nn.Module, images: list[tuple[Tensor, Tensor]]
) -> None:
    adversary.warmup = 6
    outputs = record(make_trainer(adversary, prepare_batch=with_neighbors))
    for (shown, beside), output, (noisy, clean) in zip(witness.shown, outputs, images, strict=True):
        assert torch.equal(shown, torch.cat((clean, output["pred"])))
        assert torch.equal(beside, torch.cat((noisy, noisy)))
        assert torch.equal(output["image"], noisy)


def test_loss_gets_the_stages_and_the_level_of_the_noise_that_there_was(
    make_trainer: Make, images: list[tuple[Tensor, Tensor]]
) -> None:
    trainer = make_trainer(
        prepare_batch=with_neighbors,
        noise_level=lambda noisy, clean: (noisy - clean).abs(),
        tell_level=lambda level, noisy, clean: (torch.full_like(level, -1.0), clean),
    )
    given: list[tuple[Tensor, ...]] = []
    trainer.loss_function.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[0]))
    outputs = record(trainer)
    for stages, output, (noisy, clean) in zip(given, outputs, images, strict=True):
        refined, _, level, truth = stages
        assert torch.equal(refined, output["pred"])
        assert torch.equal(truth, (noisy - clean).abs())
        assert not torch.equal(level, truth)


@pytest.mark.parametrize("told", [True, False])
def test_network_sees_all_slices_and_what_it_is_told(
    told: bool, make_trainer: Make, images: list[tuple[Tensor, Tensor]]
) -> None:
    trainer = make_trainer(
        prepare_batch=with_neighbors,
        tell_level=(lambda level, noisy, clean: (level / 2, clean)) if told else None,
        noise_level=_thrice,
    )
    seen: list[tuple[Tensor, ...]] = []
    trainer.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs))
    trainer.run()
    for inputs, (noisy, clean) in zip(seen, images, strict=True):
        assert torch.equal(inputs[0], with_neighbors((noisy, clean))[0])
        assert len(inputs) == 1 + told
        assert not told or torch.equal(inputs[1], _thrice(noisy, clean) / 2)


def _thrice(noisy: Tensor, clean: Tensor) -> Tensor:
    return 3 * (noisy - clean).abs()


def test_adversary_waits_for_its_beginning_and_leads_after_its_warmup(make_trainer: Make, adversary: Adversary) -> None:
    adversary.begin, adversary.warmup = 2, 2
    outputs = record(make_trainer(adversary))
    assert ["d_loss" in output for output in outputs] == [False, False, True, True, True, True]
    assert ["adversarial" in output["terms"] for output in outputs] == [False] * 4 + [True] * 2
    assert ["features" in output["terms"] for output in outputs] == [False] * 4 + [True] * 2


def test_denoiser_does_not_notice_an_adversary_that_warms_up(make_trainer: Make, adversary: Adversary) -> None:
    adversary.warmup = 6
    alone, beside = make_trainer(), make_trainer(adversary)
    alone.run()
    beside.run()
    states = zip(alone.network.parameters(), beside.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)


def test_loss_is_the_sum_of_the_terms_that_are_told(make_trainer: Make, adversary: Adversary) -> None:
    for output in record(make_trainer(adversary)):
        terms = dict(output["terms"])
        assert terms.pop("d_loss") == float(output["d_loss"])
        assert set(terms) == {"charbonnier", "level", "adversarial", "features"}
        assert float(output["loss"]) == pytest.approx(sum(terms.values()), rel=1e-5)


def test_training_lowers_the_loss(make_trainer: Make) -> None:
    outputs = record(make_trainer(epochs=30))
    assert float(outputs[-1]["loss"]) < 0.8 * float(outputs[0]["loss"])


def test_events_fire_in_monai_order(make_trainer: Make) -> None:
    trainer = make_trainer()
    fired: list[str] = []
    for event in IterationEvents:
        if (
            event is not IterationEvents.INNER_ITERATION_STARTED
            and event is not IterationEvents.INNER_ITERATION_COMPLETED
        ):
            trainer.add_event_handler(event, lambda engine, name=event.name: fired.append(name))
    trainer.run()
    assert fired[:4] == ["FORWARD_COMPLETED", "LOSS_COMPLETED", "BACKWARD_COMPLETED", "MODEL_COMPLETED"]
    assert len(fired) == 24


def test_loss_that_is_not_finite_stops_before_the_weights_change(
    make_trainer: Make, images: list[tuple[Tensor, Tensor]]
) -> None:
    images[3] = (images[3][0] * float("nan"), images[3][1])
    trainer = make_trainer(handlers=(LossGuard(),))
    kept: list[list[Tensor]] = []

    def keep(engine: Engine) -> None:
        kept.append([parameter.detach().clone() for parameter in trainer.network.parameters()])

    trainer.add_event_handler(Events.ITERATION_COMPLETED, keep)
    with pytest.raises(TrainingError, match=r"loss \(charbonnier, level\) must be finite, got nan in iteration 4"):
        trainer.run()
    assert len(kept) == 3
    assert all(torch.equal(one, other) for one, other in zip(kept[-1], trainer.network.parameters(), strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in trainer.network.parameters())


def test_moving_average_follows_every_update(make_trainer: Make) -> None:
    trainer = make_trainer()
    average = EMAHandler(trainer.network, momentum=0.25)
    average.attach(trainer, event=IterationEvents.MODEL_COMPLETED)
    expected = next(trainer.network.parameters()).detach().clone()
    for_each = next(trainer.network.parameters())

    def follow(engine: Engine) -> None:
        expected.mul_(0.75).add_(0.25 * for_each.detach())

    trainer.add_event_handler(IterationEvents.MODEL_COMPLETED, follow)
    trainer.run()
    torch.testing.assert_close(next(average.ema_model.parameters()), expected)
    assert not math.isclose(float((expected - for_each).detach().abs().max()), 0)


def test_same_seed_gives_the_same_weights_bit_by_bit(make_trainer: Make) -> None:
    first, second = make_trainer(), make_trainer()
    first.run()
    second.run()
    states = zip(first.network.parameters(), second.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)
