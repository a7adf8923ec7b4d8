"""Claims about the discriminator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator as Source
from torch import Tensor, nn

from monai_gan_denoise.networks import Discriminator


def pair(spatial_dims: int, rng: Source) -> tuple[Tensor, Tensor]:
    shape = (2, 1, *(32,) * spatial_dims)
    return torch.rand(shape, generator=rng), torch.rand(shape, generator=rng)


def convolutions(discriminator: Discriminator) -> list[nn.Module]:
    return [module for module in discriminator.modules() if isinstance(module, (nn.Conv2d, nn.Conv3d))]


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_largest_singular_value_of_every_convolution_is_one(spatial_dims: int, rng: Source) -> None:
    torch.manual_seed(0)  # where the two largest values happen to be close, 60 iterations are too few
    discriminator = Discriminator(spatial_dims, features=4)
    for _ in range(60):  # one power iteration each, as in training
        discriminator(*pair(spatial_dims, rng))
    discriminator.eval()
    layers = convolutions(discriminator)
    assert len(layers) == 5
    for layer in layers:
        matrix = layer.weight.detach().flatten(1).numpy()
        assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_verdict_depends_on_the_noisy_image(spatial_dims: int, rng: Source) -> None:
    discriminator = Discriminator(spatial_dims, features=4).eval()
    image, noisy = pair(spatial_dims, rng)
    _, other = pair(spatial_dims, rng)
    assert (discriminator(image, noisy) - discriminator(image, other)).abs().max() > 1e-5
    assert (discriminator(image, noisy) - discriminator(noisy, image)).abs().max() > 1e-5


def test_logits_are_not_squashed(rng: Source) -> None:
    discriminator = Discriminator(2, features=4).eval()
    image, noisy = pair(2, rng)
    for sign in (-1.0, 1.0):
        nn.init.constant_(discriminator.patches.final_conv.conv.bias, sign * 50)
        assert (sign * discriminator(image, noisy)).min() > 40


def test_each_logit_sees_a_patch_of_70_pixels(rng: Source) -> None:
    discriminator = Discriminator(2, features=4).eval()
    image = torch.rand((1, 1, 160, 160), generator=rng).requires_grad_()
    logits = discriminator(image, torch.zeros_like(image))
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0, 0].abs().sum(1).nonzero()
    assert int(seen.max() - seen.min()) + 1 == 70


def test_no_layer_ties_the_images_of_a_batch_together(rng: Source) -> None:
    discriminator = Discriminator(2, features=4).eval()
    image, noisy = pair(2, rng)
    torch.testing.assert_close(discriminator(image, noisy)[:1], discriminator(image[:1], noisy[:1]))
    assert not [m for m in discriminator.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]


def test_stages_end_with_the_logits_and_start_with_the_first_convolution(rng: Source) -> None:
    discriminator = Discriminator(2, features=4).eval()
    image, noisy = pair(2, rng)
    stages = discriminator.stages(image, noisy)
    assert torch.equal(stages[-1], discriminator(image, noisy))
    first = convolutions(discriminator)[0]
    expected = torch.conv2d(torch.cat((image, noisy), 1), first.weight, first.bias, stride=2, padding=1)
    torch.testing.assert_close(stages[0], torch.where(expected > 0, expected, 0.2 * expected))


def test_gradient_reaches_the_image(rng: Source) -> None:
    image, noisy = pair(2, rng)
    image.requires_grad_()
    Discriminator(2, features=4)(image, noisy).mean().backward()
    assert image.grad is not None
    assert image.grad.abs().max() > 0


def test_images_that_are_no_pair_are_refused(rng: Source) -> None:
    image, noisy = pair(2, rng)
    with pytest.raises(
        ValueError, match=r"image must be of the noisy image's shape \(2, 1, 32, 32\), got \(1, 1, 32, 32\)"
    ):
        Discriminator(2, features=4)(image[:1], noisy)


def test_layers_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        Discriminator(2, layers=0)
