"""Claims about structural similarity, against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.measure import block_reduce
from skimage.metrics import structural_similarity
from torch import Generator, Tensor

from monai_gan_denoise.losses import MultiScaleSSIMLoss

C1, C2 = 1e-4, 9e-4


def maps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, contrast and structure by sliding windows of 7 x 7."""
    windows = [np.lib.stride_tricks.sliding_window_view(image, (7, 7)) for image in (x, y)]
    (mx, my), (vx, vy) = ([f(w, axis=(-2, -1)) for w in windows] for f in (np.mean, np.var))
    covariance = (windows[0] * windows[1]).mean((-2, -1)) - mx * my
    return (2 * mx * my + C1) / (mx**2 + my**2 + C1), (2 * covariance + C2) / (vx + vy + C2)


def test_one_scale_is_one_minus_ssim(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = noisy_pair
    expected = structural_similarity(
        noisy[0, 0].double().numpy(), label[0, 0].double().numpy(), data_range=1.0, use_sample_covariance=False
    )
    loss = MultiScaleSSIMLoss([1.0])(noisy, label).item()
    assert loss == pytest.approx(1 - expected, abs=1e-5)


def test_two_scales_multiply_contrast_of_the_fine_and_all_of_the_coarse(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = (image[0, 0].double().numpy() for image in noisy_pair)
    fine = maps(noisy, label)[1].mean()
    luminance, contrast = maps(*(block_reduce(image, 2, np.mean) for image in (noisy, label)))
    expected = fine**0.6 * (luminance * contrast).mean() ** 0.4
    loss = MultiScaleSSIMLoss([0.6, 0.4])(*noisy_pair).item()
    assert loss == pytest.approx(1 - expected, abs=1e-5)


def test_equal_images_lose_nothing_and_have_a_finite_gradient(phantom: Tensor) -> None:
    same = phantom.clone().requires_grad_()
    loss = MultiScaleSSIMLoss()(same, phantom)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert same.grad is not None
    assert bool(same.grad.isfinite().all())


def test_opposite_images_have_a_finite_gradient(rng: Generator) -> None:
    image = torch.rand((1, 1, 32, 32), generator=rng)
    opposite = (1 - image).requires_grad_()
    MultiScaleSSIMLoss()(opposite, image).backward()
    assert opposite.grad is not None
    assert bool(opposite.grad.isfinite().all())


@pytest.mark.parametrize("weights", [[], [0.5, 0.4], [1.5, -0.5]])
def test_weights_that_are_no_exponents_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must be positive and add up to 1"):
        MultiScaleSSIMLoss(weights)
