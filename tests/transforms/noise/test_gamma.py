"""Claims about the draws of the gamma distribution."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Generator

from monai_gan_denoise.transforms.noise.gamma import standard_gamma

PIXELS = torch.zeros((400, 400))


@pytest.mark.parametrize("order", [1.0, 1.7, 4.0, 64.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_pass_the_kolmogorov_smirnov_test(order: float, dtype: torch.dtype, rng: Generator) -> None:
    draws = standard_gamma(PIXELS.to(dtype), torch.tensor(order, dtype=dtype), rng)
    assert draws.dtype == dtype
    assert stats.kstest(draws.double().numpy().ravel(), stats.gamma(order).cdf).pvalue > 0.01


@pytest.mark.parametrize("order", [1.0, 8.0])
def test_draws_have_the_mean_and_variance_of_their_order(order: float, rng: Generator) -> None:
    draws = standard_gamma(PIXELS, torch.tensor(order), rng)
    assert draws.mean().item() == pytest.approx(order, rel=0.02)
    assert draws.var().item() == pytest.approx(order, rel=0.02)


def test_each_image_has_its_own_order(rng: Generator) -> None:
    orders = torch.tensor([1.0, 20.0]).view(2, 1, 1, 1)
    draws = standard_gamma(torch.zeros((2, 1, 300, 300)), orders, rng)
    for image, order in zip(draws, (1.0, 20.0), strict=True):
        assert stats.kstest(image.numpy().ravel(), stats.gamma(order).cdf).pvalue > 0.01
