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


def level_map(noisy: Tensor, rng: Source) -> Tensor:
    return 0.2 * torch.rand(noisy.shape, generator=rng)


def heeding(generator: Generator, rng: Source) -> Generator:
    """Draw the weights that start at zero."""
    torch.nn.init.normal_(generator.level_front.weight, std=0.3, generator=rng)
    return generator


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_residual_block_is_input_plus_two_convolutions(spatial_dims: int, rng: Source) -> None:
    block = residual_blocks(spatial_dims, 3, 1)
    features = torch.randn((1, 3, *(7,) * spatial_dims), generator=rng)
    first, second = block.parameters()
    convolve = torch.conv2d if spatial_dims == 2 else torch.conv3d
    expected = features + convolve(convolve(features, first, padding=1).clamp(min=0), second, padding=1)
    torch.testing.assert_close(block(features.clone()), expected)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_coarse_estimate_is_noisy_minus_the_head(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    noisy = noisy_image(spatial_dims, rng)
    captured: list[Tensor] = []
    generator.head.register_forward_hook(lambda _module, _inputs, output: captured.append(output))
    coarse, _ = generator(noisy, level_map(noisy, rng))
    torch.testing.assert_close(coarse, noisy - captured[0])


@pytest.mark.parametrize("extra_blocks", [0, 2])
def test_features_are_what_the_head_sees(extra_blocks: int, rng: Source) -> None:
    generator = Generator(2, **SMALL, extra_blocks=extra_blocks)
    seen: list[Tensor] = []
    generator.head.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    noisy = noisy_image(2, rng)
    features = generator(noisy, level_map(noisy, rng))[1]
    assert torch.equal(features, seen[0])


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_without_a_head_the_noisy_image_comes_back(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    torch.nn.init.zeros_(generator.head.weight)
    noisy = noisy_image(spatial_dims, rng)
    coarse, _ = generator(noisy, level_map(noisy, rng))
    assert torch.equal(coarse, noisy)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_noise_scales_with_image_and_level(spatial_dims: int, rng: Source) -> None:
    generator = heeding(Generator(spatial_dims, **SMALL), rng)
    noisy = noisy_image(spatial_dims, rng)
    level = level_map(noisy, rng)
    coarse, features = generator(noisy, level)
    scaled = generator(3 * noisy, 3 * level)
    torch.testing.assert_close(scaled[0], 3 * coarse)
    torch.testing.assert_close(scaled[1], 3 * features)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_fresh_generator_does_not_heed_the_level(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL)
    noisy = noisy_image(spatial_dims, rng)
    expected = generator(noisy, torch.zeros_like(noisy))
    for stage, wanted in zip(generator(noisy, level_map(noisy, rng)), expected, strict=True):
        assert torch.equal(stage, wanted)


def test_level_is_one_more_channel_of_the_first_convolution(rng: Source) -> None:
    generator = heeding(Generator(2, **SMALL), rng)
    noisy = noisy_image(2, rng)
    level = level_map(noisy, rng)
    seen: list[Tensor] = []
    generator.downs[0][1].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone()))
    generator(noisy, level)
    weight = torch.cat((generator.downs[0][0].weight, generator.level_front.weight), dim=1)
    torch.testing.assert_close(seen[0], torch.conv2d(torch.cat((noisy, level), 1), weight, stride=2))


def test_every_weight_receives_a_gradient(rng: Source) -> None:
    generator = Generator(2, **SMALL)
    noisy = noisy_image(2, rng)
    coarse, _ = generator(noisy, level_map(noisy, rng))
    coarse.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in generator.parameters())


def test_input_is_not_modified(rng: Source) -> None:
    noisy = noisy_image(2, rng)
    level = level_map(noisy, rng)
    before = [image.clone() for image in (noisy, level)]
    Generator(2, **SMALL)(noisy, level)
    assert all(torch.equal(image, kept) for image, kept in zip((noisy, level), before, strict=True))


def test_stride_is_two_to_the_number_of_resolutions() -> None:
    assert Generator(2, features=(4, 6, 8)).stride == 8


def test_empty_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features must be a non-empty sequence .* got \(\)"):
        Generator(2, features=())
