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
    for layer in (generator.level_front, generator.neighbor_front):
        assert layer is not None
        torch.nn.init.normal_(layer.weight, std=0.3, generator=rng)
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
def test_noise_scales_with_image_level_and_neighbors(spatial_dims: int, rng: Source) -> None:
    generator = heeding(Generator(spatial_dims, **SMALL, neighbors=1), rng)
    noisy = noisy_image(spatial_dims, rng)
    level, around = level_map(noisy, rng), torch.cat((noisy.flip(-1), noisy.flip(-2)), dim=1)
    coarse, features = generator(noisy, level, around)
    scaled = generator(3 * noisy, 3 * level, 3 * around)
    torch.testing.assert_close(scaled[0], 3 * coarse)
    torch.testing.assert_close(scaled[1], 3 * features)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_fresh_generator_heeds_neither_level_nor_neighbors(spatial_dims: int, rng: Source) -> None:
    generator = Generator(spatial_dims, **SMALL, neighbors=2)
    noisy = noisy_image(spatial_dims, rng)
    around = torch.rand((2, 4, *noisy.shape[2:]), generator=rng)
    expected = generator(noisy, torch.zeros_like(noisy))
    for stage, wanted in zip(generator(noisy, level_map(noisy, rng), around), expected, strict=True):
        assert torch.equal(stage, wanted)


def test_level_and_neighbors_are_more_channels_of_the_first_convolution(rng: Source) -> None:
    generator = heeding(Generator(2, **SMALL, neighbors=2), rng)
    noisy = noisy_image(2, rng)
    level, around = level_map(noisy, rng), torch.rand((2, 4, *noisy.shape[2:]), generator=rng)
    seen: list[Tensor] = []
    generator.downs[0][1].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone()))
    generator(noisy, level, around)
    assert generator.neighbor_front is not None
    layers = (generator.downs[0][0], generator.level_front, generator.neighbor_front)
    weight = torch.cat([layer.weight for layer in layers], dim=1)
    torch.testing.assert_close(seen[0], torch.conv2d(torch.cat((noisy, level, around), 1), weight, stride=2))


def test_every_weight_receives_a_gradient(rng: Source) -> None:
    generator = Generator(2, **SMALL, neighbors=1)
    noisy = noisy_image(2, rng)
    coarse, _ = generator(noisy, level_map(noisy, rng), torch.cat((noisy, noisy), dim=1))
    coarse.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in generator.parameters())


def test_input_is_not_modified(rng: Source) -> None:
    noisy = noisy_image(2, rng)
    level, around = level_map(noisy, rng), torch.cat((noisy, noisy), dim=1)
    before = [image.clone() for image in (noisy, level, around)]
    Generator(2, **SMALL, neighbors=1)(noisy, level, around)
    assert all(torch.equal(image, kept) for image, kept in zip((noisy, level, around), before, strict=True))


def test_stride_is_two_to_the_number_of_resolutions() -> None:
    assert Generator(2, features=(4, 6, 8)).stride == 8


def test_empty_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features must be a non-empty sequence .* got \(\)"):
        Generator(2, features=())
