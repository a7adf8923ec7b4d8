"""Claims about the average of neighboring slices."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.networks import NeighborFusion

LEVEL = 0.05


def noise(count: int, rng: Generator, size: int = 96) -> Tensor:
    return LEVEL * torch.randn((1, count, size, size), generator=rng)


def level_of(slices: Tensor) -> Tensor:
    return torch.full_like(slices[:, :1], LEVEL)


@pytest.mark.parametrize("count", [3, 5])
def test_slices_that_show_the_same_are_nearly_averaged(count: int, rng: Generator) -> None:
    content = torch.rand((1, 1, 96, 96), generator=rng)
    slices = content + noise(count, rng)
    fused, left = NeighborFusion()(slices, level_of(slices))
    found = (fused - content)[..., 4:-4, 4:-4].std().item()
    assert LEVEL / count**0.5 < found < 1.25 * LEVEL / count**0.5
    assert left[..., 4:-4, 4:-4].mean().item() == pytest.approx(found, rel=0.1)


def test_slices_that_show_another_thing_do_not_count(rng: Generator) -> None:
    slices = noise(3, rng)
    slices[:, 0] += 0.3 * (torch.arange(96) % 8 < 4)  # stripes, which have a mean too
    slices[:, 2] += 0.3 * (-1.0) ** torch.arange(96)  # the finest stripes, which have none
    fused, left = NeighborFusion()(slices, level_of(slices))
    within = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(fused[within], slices[:, 1:2][within], atol=1e-4, rtol=0)
    torch.testing.assert_close(left[within], level_of(slices)[within])


def test_faint_region_of_a_neighbor_leaves_little_behind(rng: Generator) -> None:
    slices = noise(3, rng, 512)
    slices[:, (0, 2)] += LEVEL  # one noise level, which the power of a difference hardly shows
    fused, _ = NeighborFusion()(slices, level_of(slices))
    assert (fused - slices[:, 1:2]).mean() < 0.03 * LEVEL


def test_zeros_stand_for_slices_that_there_are_not(rng: Generator) -> None:
    slices = noise(5, rng)
    slices[:, (0, 1, 3, 4)] = 0
    fused, left = NeighborFusion()(slices, level_of(slices))
    assert torch.equal(fused, slices[:, 2:3])
    assert torch.equal(left, level_of(slices))


def test_images_of_a_batch_do_not_see_each_other(rng: Generator) -> None:
    slices = torch.cat((noise(3, rng), noise(3, rng)))
    slices[1, 0] = 0
    fused, _ = NeighborFusion()(slices, level_of(slices))
    for row in range(2):
        alone, _ = NeighborFusion()(slices[row : row + 1], level_of(slices)[:1])
        torch.testing.assert_close(fused[row : row + 1], alone)


def test_without_noise_nothing_is_averaged(rng: Generator) -> None:
    slices = torch.rand((1, 3, 32, 32), generator=rng)
    fused, left = NeighborFusion()(slices, torch.zeros(1, 1, 32, 32))
    assert torch.equal(fused, slices[:, 1:2])
    assert not left.any()


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_pixel_depends_on_those_within_reach(spatial_dims: int, rng: Generator) -> None:
    fusion = NeighborFusion(spatial_dims)
    slices = LEVEL * torch.randn((1, 3, *(17,) * spatial_dims), generator=rng)
    slices.requires_grad_()
    fused, _ = fusion(slices, torch.full((1, 1, *(17,) * spatial_dims), LEVEL))
    fused[(0, 0, *(8,) * spatial_dims)].backward()
    seen = slices.grad[0].abs().amax(0).nonzero() - 8
    assert seen.abs().max() == fusion.reach
