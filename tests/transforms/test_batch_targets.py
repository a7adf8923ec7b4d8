"""Claims about what a batch asks for, and about the neighbors that it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms import NoiseDistribution, SimulateNoise, SyntheticNeighbors, collate_patches

STILL = {"shift": 0.0, "warp": 0.0, "scale": 0.0, "dissolve": 0.0, "unrelated": 0.0}
TWINS = SyntheticNeighbors(count=2, **STILL)  # neighbors that show the image itself


def simulate(laws: dict[str, Any], clean: float = 0.0, **more: Any) -> SimulateNoise:
    return SimulateNoise(NoiseDistribution(laws, clean=clean), **more)


def batch_of(label: Tensor, modality: str = "mr", **more: Any) -> dict[str, Any]:
    return {"label": label, "modality": [modality] * len(label), **more}


@pytest.mark.parametrize("signal", [0.0, 0.08, 0.5])
def test_target_of_a_magnitude_is_the_mean_of_rices_law(signal: float) -> None:
    noisy, target = simulate({"mr": {"rician": {"level": 0.1}}})(batch_of(torch.full((4, 1, 128, 128), signal)))
    expected = torch.full_like(target, float(stats.rice(signal / 0.1, scale=0.1).mean()))
    torch.testing.assert_close(target, expected, rtol=2e-5, atol=0)
    assert (noisy - target).mean().item() == pytest.approx(0, abs=4 * 0.1 / 256)


@pytest.mark.parametrize("law", ["rician", "nc-chi"])
def test_noisy_images_average_to_the_target_at_every_signal(law: str) -> None:
    ramp = torch.linspace(0, 0.5, 16).expand(1024, 1, 16, 16)
    noisy, target = simulate({"mr": {law: {"level": 0.1}}})(batch_of(ramp))
    residual = (noisy - target).flatten()
    for alike in target.flatten().argsort().chunk(8):
        assert residual[alike].mean().item() == pytest.approx(0, abs=5 * 0.1 / np.sqrt(len(alike)))


def test_noisy_images_average_to_the_target_under_a_g_factor() -> None:
    laws = {"mr": {"nc-chi": {"level": 0.1, "parameters": {"coils": 4, "g_peak": 3.0}}}}
    noisy, target = simulate(laws)(batch_of(torch.zeros(200, 1, 64, 64)))
    assert target.std() > 0.02  # in air the mean is the level times a constant, and so shows the map
    residual = (noisy - target).flatten()
    for alike in target.flatten().argsort().chunk(8):
        assert residual[alike].mean().item() == pytest.approx(0, abs=5 * 0.3 / np.sqrt(len(alike)))


@pytest.mark.parametrize("law", ["gaussian", "speckle", "poisson"])
def test_target_is_the_clean_image_where_noise_has_no_mean(law: str) -> None:
    clean = torch.rand(1, 1, 1, 1).expand(4, 1, 16, 16).contiguous()
    noisy, target = simulate({"all": {law: {"level": 0.2}}})(batch_of(clean, "us"))
    assert torch.equal(target, clean)
    assert not torch.equal(noisy, clean)


def test_target_is_the_clean_image_if_no_mean_is_asked_for() -> None:
    laws = {"mr": {"rician": {"level": 0.1}}}
    black = torch.zeros(4, 1, 16, 16)
    (noisy, mean), (same, clean) = (simulate(laws, expect=expect)(batch_of(black)) for expect in (True, False))
    assert torch.equal(noisy, same)
    assert not clean.any()
    assert mean.min() > 0.1


@pytest.fixture
def image(rng: Generator) -> Tensor:
    return torch.rand((1, 1, 64, 64), generator=rng)


def with_neighbors(laws: dict[str, Any], share: float = 1.0, **more: Any) -> SimulateNoise:
    return simulate(laws, neighbors=TWINS, neighbors_share=share, **more)


def present(slices: Tensor) -> Tensor:
    return slices.flatten(2).abs().sum(-1) > 0


def test_noise_of_neighbors_is_of_the_images_level_and_independent_of_its_own(image: Tensor) -> None:
    noise = with_neighbors({"all": {"gaussian": {"level": [0.05, 0.3]}}})
    slices, clean = noise(batch_of(image.repeat(24, 1, 1, 1)))
    for shown, found, label, drawn in zip(present(slices), slices, clean, noise.drawn, strict=True):
        own = (found[2] - label[0]).flatten()
        for place in (0, 1, 3, 4):
            if shown[place]:
                other = (found[place] - label[0]).flatten()
                assert other.std().item() == pytest.approx(drawn[0].level, rel=0.06)
                assert abs(np.corrcoef(own, other)[0, 1]) < 5 / 64


def test_low_dose_noise_of_neighbors_comes_from_elsewhere_in_the_bank(image: Tensor) -> None:
    bank = 0.05 * torch.randn(4, 64, 64, generator=Generator().manual_seed(3))
    noise = with_neighbors({"ct": {"low-dose": {"level": 0.5}}})
    batch = batch_of(image.repeat(12, 1, 1, 1), "ct", low_dose_noise=[bank] * 12)
    slices, clean = noise(batch)
    for shown, found, label in zip(present(slices), slices, clean, strict=True):
        own = (found[2] - label[0]).flatten()
        for place in (0, 1, 3, 4):
            if shown[place]:
                other = (found[place] - label[0]).flatten()
                assert other.std().item() == pytest.approx(own.std().item(), rel=0.15)
                assert abs(np.corrcoef(own, other)[0, 1]) < 6 / 64


def test_some_images_have_all_neighbors_some_one_side_some_the_nearest_alone_and_some_none(image: Tensor) -> None:
    noise = with_neighbors({"all": {"gaussian": {"level": 0.1}}}, share=0.5)
    slices, target = noise(batch_of(image[..., :8, :8].repeat(4000, 1, 1, 1)))
    assert slices.shape == (4000, 5, 8, 8)
    assert target.shape == (4000, 1, 8, 8)
    shown = present(slices)
    assert bool(shown[:, 2].all())
    neighbors = shown[:, [0, 1, 3, 4]]
    some = neighbors.any(1)
    assert 0.001 < stats.binom(4000, 0.5).cdf(int(some.sum())) < 0.999
    first, last = ~neighbors[:, :2].any(1) & some, ~neighbors[:, 2:].any(1) & some
    nearest = some & ~neighbors[:, 0] & ~neighbors[:, 3]
    for share, seen in ((0.1, first), (0.1, last), (0.2, nearest)):
        assert 0.001 < stats.binom(int(some.sum()), share).cdf(int(seen.sum())) < 0.999
    assert not (first & last).any()


def test_zeros_stand_for_neighbors_that_there_are_not(image: Tensor) -> None:
    slices, _ = with_neighbors({"all": {"gaussian": {"level": 0.1}}}, share=0.0)(batch_of(image))
    assert slices.shape == (1, 5, 64, 64)
    assert not slices[:, [0, 1, 3, 4]].any()


def test_measured_noise_has_no_neighbors_and_stays(image: Tensor) -> None:
    patches = [{"label": image[0], "image": image[0] + 0.1, "modality": "us"}] * 3
    slices, target = with_neighbors({"all": {"gaussian": {"level": 0.1}}})(collate_patches(patches))
    assert not slices[:, [0, 1, 3, 4]].any()
    torch.testing.assert_close(slices[:, 2:3], target + 0.1)


def test_neighbors_change_neither_the_target_nor_the_laws_that_are_drawn(image: Tensor) -> None:
    laws = {"mr": {"rician": {"level": [0.05, 0.2]}}}
    batch = batch_of(image.repeat(6, 1, 1, 1))
    alone, beside = simulate(laws, seed=4), with_neighbors(laws, seed=4)
    assert torch.equal(alone(batch)[1], beside(batch)[1])
    assert alone.drawn == beside.drawn


def test_same_seed_gives_the_same_neighbors(image: Tensor) -> None:
    laws = {"all": {"gaussian": {"level": [0.05, 0.2]}, "speckle": {"level": 0.2}}}
    batch = batch_of(image.repeat(6, 1, 1, 1), "us")
    first, again, other = (with_neighbors(laws, seed=seed)(batch)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
