"""Claims about the noise that training simulates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from monai_gan_denoise.transforms import SimulateNoise

GAUSSIAN = {"gaussian": (0.02, 0.3)}


def simulate(
    levels: dict[str, tuple[float, float]], clean: float = 0.0, second: float = 0.0, **more: Any
) -> SimulateNoise:
    return SimulateNoise(levels, clean=clean, second=second, **more)


def gray(count: int, side: int = 16, value: float = 0.5) -> dict[str, Tensor]:
    return {"label": torch.full((count, 1, side, side), value)}


def test_levels_are_drawn_as_the_square_of_a_uniform_number() -> None:
    noisy, label = simulate(GAUSSIAN)(gray(400, 64))
    std = (noisy - label).flatten(1).std(1).numpy()
    uniform = np.sqrt(np.clip((std - 0.02) / 0.28, 0, 1))
    assert stats.kstest(uniform, "uniform").pvalue > 0.01


def test_photon_counts_are_drawn_uniformly_in_the_exponent() -> None:
    noisy, label = simulate({"poisson": (10.0, 1000.0)})(gray(400, 64))
    counts = 0.5 / (noisy - label).flatten(1).var(1).numpy()
    assert stats.kstest(np.log10(counts) - 1, stats.uniform(0, 2).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("law", "level", "second_moment"),
    [
        ("gaussian", 0.1, 0.1**2),
        ("speckle", 0.2, (0.2 * 0.5) ** 2),
        ("poisson", 40.0, 0.5 / 40),
        ("impulse", 0.2, 0.2 * 0.5**2),
        ("rician", 0.1, stats.rice(5, scale=0.1).expect(lambda magnitude: (magnitude - 0.5) ** 2)),
    ],
)
def test_every_law_is_reached_by_its_name(law: str, level: float, second_moment: float) -> None:
    noisy, label = simulate({law: (level, level)})(gray(8, 128))
    assert (noisy - label).square().mean().item() == pytest.approx(second_moment, rel=0.03)


def test_share_of_clean_images_is_kept() -> None:
    noisy, label = simulate(GAUSSIAN, clean=0.3)(gray(2000, 4))
    untouched = (noisy == label).flatten(1).all(1).sum().item()
    assert 0.001 < stats.binom(2000, 0.3).cdf(untouched) < 0.999


def test_laws_are_drawn_equally_often() -> None:
    noisy, _ = simulate({"gaussian": (0.1, 0.1), "impulse": (1.0, 1.0)})(gray(2000, 4))
    impulses = ((noisy == 0) | (noisy == 1)).flatten(1).all(1).sum().item()
    assert 0.001 < stats.binom(2000, 0.5).cdf(impulses) < 0.999


def test_second_law_adds_its_variance_to_its_share() -> None:
    noisy, label = simulate({"gaussian": (0.1, 0.1)}, second=0.25)(gray(1000, 32))
    variance = (noisy - label).flatten(1).var(1)
    twice = (variance > 1.5 * 0.1**2).sum().item()
    assert 0.001 < stats.binom(1000, 0.25).cdf(twice) < 0.999
    assert variance[variance > 1.5 * 0.1**2].mean().item() == pytest.approx(2 * 0.1**2, rel=0.02)


def test_clean_image_is_turned_into_all_eight_positions() -> None:
    original = np.arange(16, dtype=np.float32).reshape(4, 4)
    turned = {np.rot90(image, turn).tobytes() for image in (original, original.T) for turn in range(4)}
    batch = {"label": torch.from_numpy(original).repeat(200, 1, 1, 1)}
    noisy, label = simulate(GAUSSIAN, clean=1.0)(batch)
    assert {image[0].contiguous().numpy().tobytes() for image in label} == turned
    assert torch.equal(noisy, label)


def test_contrast_and_offset_move_noisy_and_clean_image_alike() -> None:
    ramp = {"label": torch.linspace(0, 1, 64).view(1, 1, 8, 8).repeat(500, 1, 1, 1)}
    noisy, label = simulate(GAUSSIAN, clean=1.0, contrast=(0.6, 1.2), offset=(-0.05, 0.1))(ramp)
    lowest, highest = label.flatten(1).min(1).values.numpy(), label.flatten(1).max(1).values.numpy()
    assert stats.kstest(highest - lowest, stats.uniform(0.6, 0.6).cdf).pvalue > 0.01
    assert stats.kstest(lowest, stats.uniform(-0.05, 0.15).cdf).pvalue > 0.01
    assert torch.equal(noisy, label)


def test_same_seed_gives_the_same_bits_batch_after_batch(phantom: Tensor) -> None:
    batch = {"label": phantom.repeat(4, 1, 1, 1)}
    first, again, other = (simulate(GAUSSIAN, seed=seed) for seed in (1, 1, 2))
    for _ in range(2):
        expected, drawn, different = first(batch), again(batch), other(batch)
        assert torch.equal(drawn[0], expected[0])
        assert torch.equal(drawn[1], expected[1])
        assert not torch.equal(different[0], expected[0])


def test_successive_batches_differ(phantom: Tensor) -> None:
    noise = simulate(GAUSSIAN)
    assert not torch.equal(noise({"label": phantom})[0], noise({"label": phantom})[0])


def test_batch_is_not_modified(phantom: Tensor) -> None:
    batch = {"label": phantom.repeat(4, 1, 1, 1)}
    simulate(GAUSSIAN, contrast=(0.5, 0.6))(batch)
    assert torch.equal(batch["label"], phantom.repeat(4, 1, 1, 1))


def test_batches_leave_in_channels_last_order_on_the_device() -> None:
    batch = {"label": torch.rand((2, 3, 8, 8))}
    for images in simulate(GAUSSIAN)(batch, device="cpu", non_blocking=True):
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert images.device == torch.device("cpu")


def test_unknown_law_is_refused() -> None:
    with pytest.raises(ValueError, match=r"levels must name laws among gaussian, .*rician, got 'pink'\. Remove it"):
        simulate({"gaussian": (0.0, 0.1), "pink": (0.0, 1.0)})
