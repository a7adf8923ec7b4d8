"""Claims about impulses of random value."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import add_random_impulse_noise

SIGNAL = 2.0  # outside the values of impulses, so that these are told apart


@pytest.mark.parametrize("fraction", [0.05, 0.5, 1.0])
def test_random_impulses_replace_their_fraction_by_uniform_values(fraction: float, rng: Generator) -> None:
    noisy = add_random_impulse_noise(torch.full((400, 400), SIGNAL), fraction, rng).double().numpy()
    replaced = noisy[noisy != SIGNAL]
    assert len(replaced) == pytest.approx(fraction * noisy.size, rel=0.02)
    assert stats.kstest(replaced, stats.uniform.cdf).pvalue > 0.01


def test_random_impulses_leave_the_other_pixels(phantom: Tensor, rng: Generator) -> None:
    noisy = add_random_impulse_noise(phantom, 0.1, rng)
    assert (noisy == phantom).double().mean().item() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(("fraction", "rule"), [(1.5, r"in \[0, 1\]"), (-0.5, "at least 0")])
def test_a_fraction_out_of_range_is_refused(fraction: float, rule: str, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"fraction must be {rule}, got {fraction:g}"):
        add_random_impulse_noise(phantom, fraction, rng)
