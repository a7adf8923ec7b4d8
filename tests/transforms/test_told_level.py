"""Claims about the true noise level and what of it a network is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.ndimage import uniform_filter
from torch import Generator, Tensor

from monai_gan_denoise.transforms import TellLevel, local_noise_level


def test_level_is_the_root_of_twice_averaged_variances_interpolated_between_cells(rng: Generator) -> None:
    noisy, clean = torch.rand((2, 1, 1, 64, 48), generator=rng)
    squares = (noisy - clean)[0, 0].double().numpy() ** 2
    variance = squares.reshape(8, 8, 6, 8).mean((1, 3))
    ones = np.ones_like(variance)
    for _ in range(2):  # means over those of 3 x 3 cells that there are
        variance = uniform_filter(variance, 3, mode="constant") / uniform_filter(ones, 3, mode="constant")
    deviation = np.sqrt(variance)
    rows, columns = ((np.arange(count * 8) + 0.5) / 8 - 0.5 for count in deviation.shape)
    across = np.stack([np.interp(columns, np.arange(6), row) for row in deviation])
    expected = np.stack([np.interp(rows, np.arange(8), column) for column in across.T], axis=1)
    np.testing.assert_allclose(local_noise_level(noisy, clean)[0, 0].numpy(), expected, rtol=1e-4)


def test_level_of_white_noise_is_its_deviation(rng: Generator) -> None:
    clean = torch.rand((4, 1, 64, 64), generator=rng)
    deviations = torch.tensor([0.0, 0.02, 0.1, 0.5])[:, None, None, None]
    level = local_noise_level(clean + deviations * torch.randn(clean.shape, generator=rng), clean)
    torch.testing.assert_close(level.mean((1, 2, 3)), deviations.flatten(), rtol=0.03, atol=0)


def levels(count: int, rng: Generator) -> Tensor:
    return 0.01 + torch.rand((count, 1, 4, 4), generator=rng)


def tell(teller: TellLevel, level: Tensor) -> Tensor:
    clean = torch.zeros_like(level)
    told, target = teller(level, clean + level, clean)
    assert torch.equal(target, clean)
    return told


def test_the_share_that_is_told_is_off_by_one_lognormal_factor_an_image(rng: Generator) -> None:
    level = levels(4000, rng)
    told = tell(TellLevel(share=0.4, jitter=0.15, seed=3), level)
    silent = (told == -1).flatten(1)
    assert bool((silent.all(1) | ~silent.any(1)).all())
    heard = ~silent[:, 0]
    assert 0.001 < stats.binom(4000, 0.4).cdf(int(heard.sum())) < 0.999
    factors = (told / level).flatten(1)[heard]
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    assert stats.kstest(factors[:, 0].log().numpy(), stats.norm(0, 0.15).cdf).pvalue > 0.01


def test_without_jitter_the_level_is_told_exactly_and_without_share_not_at_all(rng: Generator) -> None:
    level = levels(8, rng)
    assert torch.equal(tell(TellLevel(share=1, jitter=0), level), level)
    assert torch.equal(tell(TellLevel(share=0), level), torch.full_like(level, -1))


def test_same_seed_tells_the_same_and_leaves_the_level_as_it_is(rng: Generator) -> None:
    level = levels(50, rng)
    before = level.clone()
    first, again, other = (TellLevel(seed=seed) for seed in (1, 1, 2))
    for _ in range(2):
        expected = tell(first, level)
        assert torch.equal(tell(again, level), expected)
        assert not torch.equal(tell(other, level), expected)
    assert torch.equal(level, before)
    again.set_random_state(1)
    assert torch.equal(tell(again, level), tell(TellLevel(seed=1), level))


def test_a_part_of_the_level_asks_for_that_part_of_the_noise_alone(rng: Generator) -> None:
    level = levels(2000, rng)
    clean, noise = torch.randn((2, *level.shape), generator=rng)
    told, target = TellLevel(share=0.5, jitter=0, partial=0.4, least=0.2, seed=5)(level, clean + noise, clean)
    parts = (told / level).flatten(1)[:, 0]
    silent, whole = told.flatten(1)[:, 0] == -1, (parts - 1).abs() < 1e-6
    assert torch.equal(target[silent | whole], clean[silent | whole])
    partial = ~(silent | whole)
    assert 0.001 < stats.binom(2000, 0.2).cdf(int(partial.sum())) < 0.999
    assert stats.kstest(parts[partial].numpy(), stats.uniform(0.2, 0.8).cdf).pvalue > 0.01
    expected = (1 - parts)[:, None, None, None] * noise
    torch.testing.assert_close((target - clean)[partial], expected[partial], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 1.5}, r"share must be in \[0, 1\], got 1\.5"),
        ({"share": float("nan")}, r"share must be in \[0, 1\], got nan"),
        ({"partial": -0.5}, r"partial must be in \[0, 1\], got -0\.5"),
        ({"least": 1.5}, r"least must be in \[0, 1\], got 1\.5"),
        ({"jitter": -0.1}, r"jitter must be at least 0, got -0\.1"),
        ({"jitter": float("nan")}, "jitter must be at least 0, got nan"),
    ],
)
def test_a_share_or_jitter_without_meaning_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TellLevel(**settings)
