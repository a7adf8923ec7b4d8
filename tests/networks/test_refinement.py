"""Claims about the refinement."""

from __future__ import annotations

import pytest
import torch
from torch import Generator as Source
from torch import Tensor

from monai_gan_denoise.networks import Refinement


def evidence(spatial_dims: int, rng: Source) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw a noisy image, a coarse estimate, a level, and features of four channels at half of the resolution."""
    shape = (2, 1, *(12, 16, 8)[:spatial_dims])
    noisy, coarse = torch.rand(shape, generator=rng), torch.rand(shape, generator=rng)
    features = torch.rand((2, 4, *(size // 2 for size in shape[2:])), generator=rng)
    return noisy, coarse, 0.2 * torch.rand(shape, generator=rng), features


def small(spatial_dims: int, bound: float = 2.0, kernel_size: int = 0) -> Refinement:
    return Refinement(spatial_dims, features=8, bound=bound, generator_features=4, kernel_size=kernel_size)


def with_random_head(refinement: Refinement, rng: Source, scale: float) -> Refinement:
    torch.nn.init.normal_(refinement.head.weight, std=scale, generator=rng)
    return refinement


@pytest.mark.parametrize("kernel_size", [0, 5])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_untrained_refinement_is_the_identity(spatial_dims: int, kernel_size: int, rng: Source) -> None:
    noisy, coarse, level, features = evidence(spatial_dims, rng)
    refinement = small(spatial_dims, kernel_size=kernel_size)
    assert torch.equal(refinement(noisy, coarse, level, features), coarse)


@pytest.mark.parametrize("kernel_size", [0, 3])
@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("bound", [0.5, 2.0])
def test_correction_reaches_but_never_passes_the_bound(
    spatial_dims: int, bound: float, kernel_size: int, rng: Source
) -> None:
    noisy, coarse, level, features = evidence(spatial_dims, rng)
    refinement = with_random_head(small(spatial_dims, bound, kernel_size), rng, scale=1e3)
    if refinement.kernels is not None:
        torch.nn.init.normal_(refinement.kernels.weight, generator=rng)
    correction = (refinement(noisy, coarse, level, features) - coarse).abs()
    rounding = 1e-6
    assert bool((correction <= bound * level + rounding).all())
    assert bool((correction.flatten() > 0.9 * bound * level.flatten()).any())


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_nothing_is_added_where_no_noise_is_seen(spatial_dims: int, rng: Source) -> None:
    noisy, coarse, level, features = evidence(spatial_dims, rng)
    refinement = with_random_head(small(spatial_dims), rng, scale=1e3)
    level[..., :6] = 0
    refined = refinement(noisy, coarse, level, features)
    assert torch.equal(refined[..., :6], coarse[..., :6])
    assert not torch.equal(refined[..., 6:], coarse[..., 6:])


def test_small_corrections_pass_unclipped(rng: Source) -> None:
    noisy, coarse, _, features = evidence(2, rng)
    level = torch.full_like(noisy, 1e3)
    refinement = with_random_head(small(2), rng, scale=1e-3)
    raw: list[Tensor] = []
    refinement.head.register_forward_hook(lambda _module, _inputs, output: raw.append(output))
    torch.testing.assert_close(refinement(noisy, coarse, level, features) - coarse, raw[0], atol=1e-5, rtol=1e-3)
    assert raw[0].abs().max() > 1e-3


def test_refinement_sees_noisy_coarse_removed_and_level(rng: Source) -> None:
    noisy, coarse, level, features = evidence(2, rng)
    refinement = small(2)
    seen: list[Tensor] = []
    refinement.front.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    refinement(noisy, coarse, level, features)
    assert torch.equal(seen[0], torch.cat((noisy, coarse, noisy - coarse, level), dim=1))


def test_refinement_sees_the_features_beside_the_evidence(rng: Source) -> None:
    refinement = small(2)
    *images, features = evidence(2, rng)
    seen: list[Tensor] = []
    refinement.body.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone()))
    refinement(*images, torch.zeros_like(features))
    refinement(*images, features)
    expected = torch.einsum("oi,bihw->bohw", refinement.fusion.weight[:, :, 0, 0], features)
    torch.testing.assert_close(seen[1] - seen[0], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_kernels_give_back_weighted_sums_of_what_was_removed(kernel_size: int, rng: Source) -> None:
    noisy, coarse, _, features = evidence(2, rng)
    level = torch.full_like(noisy, 1e3)  # so large that the bound clips nothing
    refinement = small(2, kernel_size=kernel_size)
    kernels = 2e3 * (2 * torch.rand((2, kernel_size**2, *noisy.shape[2:]), generator=rng) - 1)
    assert refinement.kernels is not None
    refinement.kernels.register_forward_hook(lambda *_: kernels)
    radius = kernel_size // 2
    removed = torch.nn.functional.pad(noisy - coarse, [radius] * 4, mode="reflect")
    around = torch.nn.functional.unfold(removed, kernel_size).unflatten(2, noisy.shape[2:])
    expected = (torch.tanh(kernels / 2e3) * around).sum(1, keepdim=True)
    torch.testing.assert_close(refinement(noisy, coarse, level, features) - coarse, expected, atol=1e-4, rtol=1e-3)


def test_kernels_do_not_change_with_the_scale_of_the_image(rng: Source) -> None:
    refinement = small(2, kernel_size=3)
    assert refinement.kernels is not None
    torch.nn.init.normal_(refinement.kernels.weight, std=0.01, generator=rng)
    once, thrice = ([factor * each for each in evidence(2, Source().manual_seed(4))] for factor in (1.0, 3.0))
    torch.testing.assert_close(refinement(*thrice), 3 * refinement(*once), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kernel_size", [-1, 2])
def test_a_kernel_that_has_no_middle_is_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"kernel_size must be 0 or odd, got {kernel_size}"):
        Refinement(2, kernel_size=kernel_size)


def test_zero_head_still_learns(rng: Source) -> None:
    refinement = small(2)
    refinement(*evidence(2, rng)).square().mean().backward()
    gradient = refinement.head.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("bound", [0.0, -1.0])
def test_bound_that_is_not_positive_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match=rf"bound must be positive, got {bound}"):
        Refinement(2, bound=bound)
