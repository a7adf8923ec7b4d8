"""Claims about laws that follow one another."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import (
    LAWS,
    add_detector_mixture,
    add_gaussian_noise,
    add_impulse_noise,
    add_in_sequence,
)


def test_laws_apply_in_the_order_given(rng: Generator) -> None:
    image = torch.full((200, 200), 0.4)
    impulses, gaussian = (add_impulse_noise, 0.5), (add_gaussian_noise, 0.1)
    impulses_last = add_in_sequence(image, [gaussian, impulses], rng)
    impulses_first = add_in_sequence(image, [impulses, gaussian], rng)
    assert ((impulses_last == 0) | (impulses_last == 1)).double().mean().item() == pytest.approx(0.5, rel=0.02)
    assert not ((impulses_first == 0) | (impulses_first == 1)).any()


def test_variances_of_additive_laws_add(rng: Generator) -> None:
    image = torch.full((1, 400, 400), 0.4)
    poisson = partial(LAWS["poisson"].draw, full_counts=50.0)
    noisy = add_in_sequence(image, [(poisson, 0.5), (add_gaussian_noise, 0.1)], rng)
    assert noisy.mean().item() == pytest.approx(0.4, rel=0.02)
    assert noisy.var().item() == pytest.approx(0.4 / 25 + 0.1**2, rel=0.02)


def test_no_laws_leave_the_image(phantom: Tensor, rng: Generator) -> None:
    assert torch.equal(add_in_sequence(phantom, [], rng), phantom)


@pytest.mark.parametrize("level", [0.05, 0.2])
@pytest.mark.parametrize("signal", [0.1, 0.7])
def test_mixture_has_the_moments_of_its_three_laws(level: float, signal: float, rng: Generator) -> None:
    noisy = add_detector_mixture(torch.full((1000, 1000), signal, dtype=torch.float64), level, rng)
    lost = level / 10
    second = signal**2 + level**2 * signal + (level / 2) ** 2
    assert noisy.mean().item() == pytest.approx((1 - lost) * signal + lost / 2, rel=0.02)
    assert noisy.square().mean().item() == pytest.approx((1 - lost) * second + lost / 2, rel=0.02)


def test_mixture_of_each_image_has_its_own_level(rng: Generator) -> None:
    image = torch.full((3, 1, 64, 64), 0.5)
    noisy = add_detector_mixture(image, torch.tensor([0.0, 0.05, 0.3]).view(3, 1, 1, 1), rng)
    assert torch.equal(noisy[0], image[0])
    assert noisy[2].std() > 3 * noisy[1].std()


@pytest.mark.parametrize("level", [-0.1, 1.1])
def test_a_level_out_of_range_is_refused(level: float, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"level must be from 0 to 1, got {level:g}"):
        add_detector_mixture(phantom, level, rng)
