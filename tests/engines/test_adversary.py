"""The discriminator's side: what it is shown, and who learns from what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from monai_gan_denoise.engines import Adversary, TrainingError

Images = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def game() -> Images:
    """Clean, denoised and noisy images; the denoised ones are what a denoiser made, so that a gradient could flow."""
    draws = torch.Generator().manual_seed(3)
    clean, denoised, noisy = (torch.rand(2, 1, 32, 32, generator=draws) for _ in range(3))
    return clean, denoised.requires_grad_(), noisy


def weights_of(network: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def test_discriminator_sees_clean_images_as_real(adversary: Adversary, witness: nn.Module, game: Images) -> None:
    clean, denoised, noisy = game
    seen = []
    adversary.loss.discriminator = lambda real, fake: seen.append((real, fake)) or (real - 1).square().mean()
    adversary.learn(clean, denoised, noisy)
    ((images, beside),) = witness.shown
    torch.testing.assert_close(images, torch.cat((clean, denoised)), rtol=0, atol=0)
    torch.testing.assert_close(beside, torch.cat((noisy, noisy)), rtol=0, atol=0)
    (logits,) = seen
    assert logits[0].shape == logits[1].shape == (2, *logits[0].shape[1:])


def test_discriminator_learns_to_tell_clean_from_denoised(adversary: Adversary, witness: nn.Module) -> None:
    clean, noisy = torch.zeros(2, 1, 32, 32), torch.full((2, 1, 32, 32), 0.5)
    losses = [float(adversary.learn(clean, clean + 1, noisy)) for _ in range(60)]
    real, fake = (witness(images, noisy)[-1].mean() for images in (clean, clean + 1))
    assert real > fake + 0.3
    assert losses[-1] < losses[0] / 2


def test_learning_sends_no_gradient_to_the_denoiser(adversary: Adversary, witness: nn.Module, game: Images) -> None:
    clean, denoised, noisy = game
    before = weights_of(witness)
    loss = adversary.learn(clean, denoised, noisy)
    assert denoised.grad is None
    assert not loss.requires_grad
    assert any(not torch.equal(one, other) for one, other in zip(before, weights_of(witness), strict=True))


def test_judging_sends_its_gradient_to_the_denoiser_alone(
    adversary: Adversary, witness: nn.Module, game: Images
) -> None:
    clean, denoised, noisy = game
    before = weights_of(witness)
    torch.stack(list(adversary.judge(clean, denoised, noisy).values())).sum().backward()
    assert denoised.grad is not None
    assert denoised.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in witness.parameters())
    assert all(torch.equal(one, other) for one, other in zip(before, weights_of(witness), strict=True))


def test_the_terms_of_the_judgment_are_weighed(adversary: Adversary, witness: nn.Module, game: Images) -> None:
    witness.eval()  # in training every pass moves the estimate of the spectral norm
    clean, denoised, noisy = game
    terms = adversary.judge(clean, denoised, noisy)
    *fake_features, fake = witness(denoised, noisy)
    *real_features, _ = witness(clean, noisy)
    apart = sum((one - other).abs().mean() for one, other in zip(fake_features, real_features, strict=True))
    torch.testing.assert_close(terms["adversarial"], 0.1 * (fake - 1).square().mean())
    torch.testing.assert_close(terms["features"], 0.5 * apart / len(fake_features))


def test_the_discriminator_learns_again_after_it_judged(adversary: Adversary, witness: nn.Module, game: Images) -> None:
    adversary.judge(*game)
    before = weights_of(witness)
    adversary.learn(*game)
    assert any(not torch.equal(one, other) for one, other in zip(before, weights_of(witness), strict=True))


def test_a_gradient_that_is_not_finite_does_not_reach_the_discriminator(
    adversary: Adversary, witness: nn.Module, game: Images
) -> None:
    clean, denoised, noisy = game
    before = weights_of(witness)
    with pytest.raises(TrainingError, match="gradient of the discriminator must be finite, got nan"):
        adversary.learn(clean * float("nan"), denoised, noisy)
    assert all(torch.equal(one, other) for one, other in zip(before, weights_of(witness), strict=True))
