"""Claims about the networks that the denoiser is compared with."""

from __future__ import annotations

import pytest
import torch
from torch import Generator as Source
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from monai_gan_denoise.networks import (
    DnCNN,
    GanDenoiser,
    Generator,
    NoiseLevelEstimator,
    NoRefinement,
    PlainDiscriminator,
    PlainGenerator,
    PlainRefinement,
    Refinement,
    TwoStageDenoiser,
)

NORMALIZED = (nn.BatchNorm2d, nn.BatchNorm3d)


def plain(spatial_dims: int = 2) -> TwoStageDenoiser:
    generator = PlainGenerator(spatial_dims, features=(4, 6, 8))
    return TwoStageDenoiser(generator, PlainRefinement(spatial_dims, features=4)).eval()


def dncnn(spatial_dims: int = 2) -> TwoStageDenoiser:
    return TwoStageDenoiser(DnCNN(spatial_dims, features=4, layers=4), NoRefinement()).eval()


@pytest.mark.parametrize("build", [plain, dncnn])
def test_level_and_neighbors_change_nothing_in_a_network_that_asks_for_none(build: type, rng: Source) -> None:
    denoiser = build()
    slices = torch.rand((2, 5, 16, 16), generator=rng)
    with torch.no_grad():
        expected = denoiser(slices[:, 2:3])
        torch.testing.assert_close(denoiser(slices, torch.full((2, 1, 16, 16), 0.2)), expected)
    assert denoiser.fusion is None


@pytest.mark.parametrize("build", [plain, dncnn])
@pytest.mark.parametrize("size", [(16, 17), (23, 40), (17, 19, 16)])
def test_images_of_any_size_keep_it_and_the_stages_are_those_of_the_parts(
    build: type, size: tuple[int, ...], rng: Source
) -> None:
    denoiser = build(len(size))
    noisy = torch.rand((1, 1, *size), generator=rng)
    whole = torch.rand((2, 1, *(16,) * len(size)), generator=rng)
    with torch.no_grad():
        assert denoiser(noisy).shape == noisy.shape
        refined, coarse, level = denoiser.stages(whole)
        expected, features = denoiser.generator(whole, level)
        torch.testing.assert_close(coarse, expected)
        torch.testing.assert_close(refined, denoiser.refinement(whole, coarse, level, features))
        assert not level.any()


def test_without_refinement_the_refined_image_is_the_coarse_one(rng: Source) -> None:
    denoiser = TwoStageDenoiser(Generator(features=(4, 6)), NoRefinement())
    refined, coarse, _ = denoiser.stages(torch.rand((1, 1, 16, 16), generator=rng))
    assert torch.equal(refined, coarse)


def test_the_plain_generator_normalizes_every_layer_but_the_last(rng: Source) -> None:
    modules = list(PlainGenerator().modules())
    convolutions = [module for module in modules if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))]
    assert sum(isinstance(module, NORMALIZED) for module in modules) == len(convolutions) - 1
    assert [module.stride for module in convolutions].count((2, 2)) == 6  # three down, three up
    assert not [module for module in modules if isinstance(module, (nn.MaxPool2d, nn.Upsample))]


def test_the_plain_networks_start_as_dcgan_does() -> None:
    torch.manual_seed(0)
    for network in (PlainGenerator(), PlainRefinement(features=64), PlainDiscriminator()):
        weights = torch.cat([layer.weight.detach().flatten() for layer in network.modules() if is_convolution(layer)])
        assert weights.std().item() == pytest.approx(0.02, rel=0.05)


def is_convolution(module: nn.Module) -> bool:
    return isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))


def test_the_plain_refinement_corrects_the_coarse_estimate(rng: Source) -> None:
    refinement = PlainRefinement(features=4).eval()
    noisy, coarse = torch.rand((2, 1, 1, 16, 16), generator=rng)
    last = refinement.layers[-1].conv
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 0.25)
    zeros = torch.zeros_like(noisy)
    torch.testing.assert_close(refinement(noisy, coarse, zeros, zeros), coarse + 0.25)


def test_the_plain_discriminator_sees_the_image_alone(rng: Source) -> None:
    discriminator = PlainDiscriminator(features=4).eval()
    image, noisy, other = torch.rand((3, 2, 1, 32, 32), generator=rng)
    assert torch.equal(discriminator(image, noisy), discriminator(image, other))
    assert (discriminator(image, noisy) - discriminator(other, noisy)).abs().max() > 1e-6


def test_a_judging_plain_discriminator_judges_each_image_by_itself(rng: Source) -> None:
    discriminator = PlainDiscriminator(features=4).train()
    image, noisy = torch.rand((2, 4, 1, 32, 32), generator=rng)
    discriminator(image, noisy)  # which learns the statistics
    discriminator.requires_grad_(False)
    alone = torch.cat([discriminator(one[None], one[None]) for one in image])
    torch.testing.assert_close(discriminator(image, noisy), alone)
    discriminator.train().requires_grad_(True)
    assert (discriminator(image, noisy) - alone).abs().max() > 1e-4


def test_dncnn_has_the_layers_of_the_paper() -> None:
    modules = list(DnCNN().modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    assert [module.out_channels for module in convolutions] == [64] * 16 + [1]
    assert {module.kernel_size for module in convolutions} == {(3, 3)}
    assert sum(isinstance(module, NORMALIZED) for module in modules) == 15
    assert sum(isinstance(module, nn.ReLU) for module in modules) == 16


def test_dncnn_predicts_the_noise(rng: Source) -> None:
    network = DnCNN(features=4, layers=3).eval()
    last = network.layers[-1].conv
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 0.1)
    noisy = torch.rand((1, 1, 16, 16), generator=rng)
    torch.testing.assert_close(network(noisy, torch.zeros_like(noisy))[0], noisy - 0.1)


def test_dncnn_of_one_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="layers must be at least 2, got 1"):
        DnCNN(layers=1)


def operations(denoiser: nn.Module) -> int:
    """Multiplications and additions at 512 x 512."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        denoiser.to("meta").stages(torch.zeros((1, 1, 512, 512), device="meta"))
    return counter.get_total_flops()


def test_three_more_blocks_cost_what_the_refinement_costs() -> None:
    generator = Generator(extra_blocks=3)
    single = TwoStageDenoiser(generator, NoRefinement(), estimator=NoiseLevelEstimator())
    both = GanDenoiser()
    assert isinstance(both.refinement, Refinement)
    assert operations(single) == pytest.approx(operations(both), rel=0.01)
    counts = [sum(value.numel() for value in network.parameters()) for network in (single, both)]
    assert counts[0] == pytest.approx(counts[1], rel=0.01)


def test_extra_blocks_work_before_the_head(rng: Source) -> None:
    generator = Generator(features=(4, 6), extra_blocks=2)
    seen: list[torch.Size] = []
    generator.extra.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape))
    generator(*torch.rand((2, 1, 1, 16, 24), generator=rng))
    assert len(generator.extra) == 2
    assert seen == [torch.Size((1, 4, 8, 12))]
