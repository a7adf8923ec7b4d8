"""Claims about a denoiser that is told the noise level, or shown neighboring slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.networks import GanDenoiser

Small = Callable[..., GanDenoiser]


def slices_of(count: int, rng: Generator, size: tuple[int, ...] = (21, 26)) -> Tensor:
    return torch.rand((2, count, *size), generator=rng)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_told_level_takes_the_place_of_the_estimate(spatial_dims: int, small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser(spatial_dims)
    noisy = slices_of(1, rng, (16, 20, 24)[:spatial_dims])
    level = 0.2 * torch.rand(noisy.shape, generator=rng)
    with torch.no_grad():
        refined, coarse, estimated = denoiser.stages(noisy, level)
        expected, features = denoiser.generator(noisy, level)
        assert torch.equal(coarse, expected)
        corrected = denoiser.refinement(noisy, expected, level, features)
        assert torch.equal(refined, denoiser.means(noisy, corrected, level))
        assert torch.equal(estimated, denoiser.estimator(noisy))  # of its own, whatever it is told


def test_where_a_told_level_is_negative_the_estimate_holds(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    noisy = slices_of(1, rng, (16, 20))
    told = torch.full_like(noisy, -1.0)
    told[0] = 0.3
    told[1, ..., :10] = 0.0  # no noise is a level too
    with torch.no_grad():
        mixed = told.clone()
        mixed[told < 0] = denoiser.estimator(noisy)[told < 0]
        for found, expected in zip(denoiser.stages(noisy, told), denoiser.stages(noisy, mixed), strict=True):
            assert torch.equal(found, expected)
        silent = denoiser.stages(noisy, torch.full_like(noisy, -1.0))
        for found, expected in zip(silent, denoiser.stages(noisy), strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (23, 40)])
def test_the_networks_own_level_told_at_any_size_changes_nothing_inside(
    size: tuple[int, int], small_denoiser: Small, rng: Generator
) -> None:
    denoiser = small_denoiser()
    noisy = slices_of(1, rng, size)
    with torch.no_grad():
        level = denoiser.noise_level(noisy)
        assert level.shape == noisy.shape
        assert level.min() >= 0
        margins = [denoiser.stride // 2, denoiser.stride] * 2
        padded = torch.nn.functional.pad(noisy, margins, mode="reflect")
        whole = padded[..., : -(-(size[0] + 3) // 4) * 4, : -(-(size[1] + 3) // 4) * 4]
        expected = denoiser.estimator(whole)[..., 2 : 2 + size[0], 2 : 2 + size[1]]
        torch.testing.assert_close(level, expected)


def test_a_level_is_continued_as_it_is_beyond_the_edges(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    noisy = slices_of(1, rng)
    level = torch.linspace(0, 0.3, 26).expand(2, 1, 21, 26)
    given: list[Tensor] = []
    denoiser.generator.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[1]))
    with torch.no_grad():
        denoiser(noisy, level)
    (seen,) = given
    torch.testing.assert_close(seen[..., 2:23, 2:28], level)
    assert bool((seen[..., 28:] == level[0, 0, 0, -1]).all())
    assert bool((seen[..., :2] == 0).all())


@pytest.mark.parametrize("factor", [0.01, 2.0])
def test_image_neighbors_and_level_scale_together(factor: float, small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    denoiser.means = None
    slices, level = slices_of(5, rng), torch.full((2, 1, 21, 26), 0.1)
    with torch.no_grad():
        scaled = denoiser(factor * slices, factor * level) / factor
        torch.testing.assert_close(scaled, denoiser(slices, level), atol=2e-4, rtol=0)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("count", [3, 5])
def test_zeros_for_neighbors_are_a_single_image(count: int, told: bool, small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    noisy = slices_of(1, rng)
    slices = torch.zeros(2, count, 21, 26)
    slices[:, count // 2] = noisy[:, 0]
    level = torch.full_like(noisy, 0.1) if told else None
    with torch.no_grad():
        assert torch.equal(denoiser(slices, level), denoiser(noisy, level))


def test_three_slices_are_five_with_zeros_around(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    slices = slices_of(3, rng)
    nothing, level = torch.zeros(2, 1, 21, 26), torch.full((2, 1, 21, 26), 0.5)
    with torch.no_grad():
        three = denoiser(slices, level)
        assert torch.equal(three, denoiser(torch.cat((nothing, slices, nothing), dim=1), level))
        assert not torch.allclose(three, denoiser(slices[:, 1:2], level), atol=1e-3)


def test_networks_behind_see_the_average_and_the_level_that_is_left(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    denoiser.means = None
    slices, level = slices_of(5, rng, (16, 20)), torch.full((2, 1, 16, 20), 0.5)
    with torch.no_grad():
        fused, left = denoiser.fusion(slices, level)
        assert not torch.allclose(fused, slices[:, 2:3], atol=1e-2)
        torch.testing.assert_close(denoiser.stages(slices, level)[0], denoiser.stages(fused, left)[0])


def test_regions_take_their_means_from_the_slice_itself(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    slices, level = slices_of(3, rng, (16, 20)), torch.full((2, 1, 16, 20), 0.01)
    with torch.no_grad():
        found = denoiser.stages(slices, level)[0]
        means, denoiser.means = denoiser.means, None
        torch.testing.assert_close(found, means(slices[:, 1:2], denoiser.stages(slices, level)[0], level))


def test_level_is_that_of_the_middle_slice(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    slices = slices_of(5, rng)
    with torch.no_grad():
        assert torch.equal(denoiser.noise_level(slices), denoiser.noise_level(slices[:, 2:3]))
        aligned = slices_of(5, rng, (16, 20))
        assert torch.equal(denoiser.stages(aligned)[2], denoiser.estimator(aligned[:, 2:3]))


def test_a_network_without_fusion_sees_the_middle_slice_alone(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    denoiser.fusion = None
    slices = slices_of(5, rng)
    with torch.no_grad():
        assert torch.equal(denoiser(slices), denoiser(slices[:, 2:3]))


def test_the_estimate_learns_from_its_own_loss_alone(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser().train()
    refined, coarse, level = denoiser.stages(slices_of(1, rng, (16, 20)))
    (refined.square().mean() + coarse.square().mean()).backward(retain_graph=True)
    assert not [weight for weight in denoiser.estimator.parameters() if weight.grad is not None]
    level.mean().backward()
    assert all(weight.grad is not None for weight in denoiser.estimator.parameters())


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_torchscript_equals_eager_with_level_and_neighbors(
    told: bool, count: int, small_denoiser: Small, rng: Generator
) -> None:
    denoiser = small_denoiser()
    scripted = torch.jit.script(denoiser)
    for size in [(16, 17), (23, 40)]:
        slices = slices_of(count, rng, size)
        level = torch.full((2, 1, *size), 0.1) if told else None
        with torch.no_grad():
            torch.testing.assert_close(scripted(slices, level), denoiser(slices, level), atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(scripted.noise_level(slices), denoiser.noise_level(slices))


@pytest.mark.slow
def test_export_of_the_single_image_equals_eager_at_sizes_it_never_saw(small_denoiser: Small, rng: Generator) -> None:
    denoiser = small_denoiser()
    free = torch.export.Dim.DYNAMIC
    exported = torch.export.export(
        denoiser, (torch.zeros(2, 1, 64, 80),), dynamic_shapes=({0: free, 2: free, 3: free},)
    )
    for size in [(16, 17), (33, 48)]:
        noisy = slices_of(1, rng, size)
        with torch.no_grad():
            torch.testing.assert_close(exported.module()(noisy), denoiser(noisy), atol=1e-6, rtol=1e-5)
