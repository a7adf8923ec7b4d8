"""Claims about neighboring slices that are made from single images."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats
from scipy.ndimage import center_of_mass
from torch import Generator, Tensor

from monai_gan_denoise.transforms import SyntheticNeighbors

STILL = {"shift": 0.0, "warp": 0.0, "scale": 0.0, "dissolve": 0.0, "unrelated": 0.0}


def spots(count: int, side: int = 48) -> Tensor:
    """A bright blob in the middle, one an image."""
    axis = torch.arange(side) - (side - 1) / 2
    blob = torch.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / 18)
    return blob.repeat(count, 1, 1, 1)


def centers(slices: Tensor) -> np.ndarray:
    """Rows and columns of the blobs from the middle, ``(B, sides, 2)``."""
    middle = (slices.shape[-1] - 1) / 2
    return np.array([[center_of_mass(one) for one in image] for image in slices.numpy()]) - middle


def test_neighbors_that_do_not_differ_are_the_image(rng: Generator) -> None:
    images = torch.rand((3, 1, 24, 32), generator=rng)
    slices = SyntheticNeighbors(count=2, **STILL).draw(images, rng)
    torch.testing.assert_close(slices, images.expand(3, 4, 24, 32), atol=1e-5, rtol=0)


def test_shifts_grow_with_the_distance_and_turn_with_the_side(rng: Generator) -> None:
    moved = centers(SyntheticNeighbors(count=2, **{**STILL, "shift": 3.0}).draw(spots(200), rng))
    bicubic = 0.04  # pixels by which torch's cubic kernel (a = -0.75) misplaces the middle of a blob
    for place, factor in ((0, 2), (1, 1), (2, -1)):
        np.testing.assert_allclose(moved[:, place], -factor * moved[:, 3] / 2, atol=2 * bicubic)
    assert np.abs(moved[:, 2]).max() <= 3 + bicubic
    # A number uniform in (-1, 1) times one uniform in (0, 1): |z| <= t has the probability t (1 - log t).
    drawn = np.abs(moved[:, 2, 0]) / 3
    assert stats.kstest(drawn, lambda t: np.where(t > 0, t * (1 - np.log(np.clip(t, 1e-12, 1))), 0)).pvalue > 0.01


def test_scale_keeps_the_middle_and_moves_the_rim(rng: Generator) -> None:
    slices = SyntheticNeighbors(count=1, **{**STILL, "scale": 0.1}).draw(spots(40), rng)
    assert np.abs(centers(slices)).max() < 0.05
    assert (slices - spots(40)).abs().amax((1, 2, 3)).median() > 0.01


def test_warp_deforms_as_a_smooth_field(rng: Generator) -> None:
    columns = torch.linspace(-1, 1, 48).expand(60, 1, 48, 48)  # whose values tell where they came from
    slices = SyntheticNeighbors(count=1, **{**STILL, "warp": 2.0}).draw(columns, rng)
    moved = ((slices[:, 1] - columns[:, 0]) * 47 / 2)[:, 12:36, 12:36]
    assert 0.3 < float(moved.std()) < 2.0
    assert float(moved.diff(dim=1).abs().max()) < 1.0  # a grid of four points bends slowly


def test_a_share_of_the_images_has_neighbors_of_another_image(rng: Generator) -> None:
    images = torch.arange(2000.0)[:, None, None, None].expand(2000, 1, 8, 8).contiguous()
    slices = SyntheticNeighbors(count=1, **{**STILL, "unrelated": 0.07}).draw(images, rng)
    strange = (slices[:, :, 4, 4] - images[:, :, 4, 4]).abs() > 0.5
    assert torch.equal(strange[:, 0], strange[:, 1])
    assert 0.001 < stats.binom(2000, 0.07).cdf(int(strange[:, 0].sum())) < 0.999


def test_dissolve_lets_some_of_another_image_through_and_never_more_than_it_may(rng: Generator) -> None:
    images = torch.zeros(600, 1, 8, 8)
    images[::2] = 1
    slices = SyntheticNeighbors(count=2, **{**STILL, "dissolve": 0.3}).draw(images, rng)
    let_through = (slices - images).abs()[:, :, 4, 4]
    assert 0.2 < float(let_through.max()) <= 0.3
    torch.testing.assert_close(let_through[:, 0], 2 * let_through[:, 1], atol=1e-5, rtol=1e-4)


def test_same_seed_gives_the_same_bits_and_the_images_stay(rng: Generator) -> None:
    images = torch.rand((4, 1, 24, 24), generator=rng)
    before = images.clone()
    first, again, other = (SyntheticNeighbors().draw(images, Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
