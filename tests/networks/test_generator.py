"""Claims about the generator."""

from __future__ import annotations

import pytest
import torch
from torch import Generator as Source
from torch import Tensor

from monai_gan_denoise.networks import Generator
from monai_gan_denoise.networks.generator import residual_blocks

SMALL = {"features": (4, 6, 8), "blocks": 1}


def noisy_image(spatial_dims: int, rng: Source) -> Tensor:
    return torch.rand((2, 1, *(16, 24, 32)[:spatial_dims]), generator=rng)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_residual_block_is_input_plus_two_convolutions(spatial_dims: int, rng: Source) -> None:
    block = residual_blocks(spatial_dims, 3, 1)
    features = torch.randn((1, 3, *(7,) * spatial_dims), generator=rng)
    first, second = block.parameters()
    convolve = torch.conv2d if spatial_dims == 2 else torch.conv3d
    expected = features + convolve(convolve(features, first, padding=1).clamp(min=0), second, padding=1)
    torch.testing.assert_close(block(features.clone()), expected)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_coarse_estimate_is_noisy_minus_first_half_of_head(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    noisy = noisy_image(spatial_dims, rng)
    captured: list[Tensor] = []
    generator.head.register_forward_hook(lambda _module, _inputs, output: captured.append(output))
    coarse, level, _ = generator(noisy)
    torch.testing.assert_close(coarse, noisy - captured[0][:, :1])
    torch.testing.assert_close(level, captured[0][:, 1:].abs())


@pytest.mark.parametrize("extra_blocks", [0, 2])
def test_features_are_what_the_head_sees(extra_blocks: int, rng: Source) -> None:
    generator = Generator(2, **SMALL, extra_blocks=extra_blocks)
    seen: list[Tensor] = []
    generator.head.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    features = generator(noisy_image(2, rng))[2]
    assert torch.equal(features, seen[0])


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_without_a_head_the_noisy_image_comes_back_and_no_noise_is_seen(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    torch.nn.init.zeros_(generator.head.weight)
    noisy = noisy_image(spatial_dims, rng)
    coarse, level, _ = generator(noisy)
    assert torch.equal(coarse, noisy)
    assert torch.equal(level, torch.zeros_like(noisy))


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_noise_level_scales_with_the_image_and_never_turns_negative(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    noisy = noisy_image(spatial_dims, rng)
    level = generator(noisy)[1]
    assert level.min() >= 0
    assert level.max() > 0
    torch.testing.assert_close(generator(3 * noisy)[1], 3 * level)


def test_every_weight_receives_a_gradient(rng: Source) -> None:
    generator = Generator(2, **SMALL)
    coarse, level, _ = generator(noisy_image(2, rng))
    (coarse.square().mean() + level.mean()).backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in generator.parameters())


def test_input_is_not_modified(rng: Source) -> None:
    noisy = noisy_image(2, rng)
    before = noisy.clone()
    Generator(2, **SMALL)(noisy)
    assert torch.equal(noisy, before)


def test_stride_is_two_to_the_number_of_resolutions() -> None:
    assert Generator(2, features=(4, 6, 8)).stride == 8


def test_empty_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features must be a non-empty sequence .* got \(\)"):
        Generator(2, features=())
