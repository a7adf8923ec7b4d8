"""Claims about the PSNR that can be averaged, against scikit-image."""

from __future__ import annotations

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from monai_gan_denoise.metrics import CappedPSNRMetric


def test_it_is_the_psnr_below_the_cap(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = noisy_pair
    expected = peak_signal_noise_ratio(label[0, 0].numpy(), noisy[0, 0].numpy(), data_range=1.0)
    assert CappedPSNRMetric(max_val=1.0)(noisy, label).item() == pytest.approx(expected, abs=1e-2)


def test_equal_images_count_as_sixty_decibels(phantom: Tensor) -> None:
    assert CappedPSNRMetric(max_val=1.0)(phantom, phantom).item() == pytest.approx(60, abs=1e-4)


def test_the_range_scales_the_error(noisy_pair: tuple[Tensor, Tensor]) -> None:
    noisy, label = noisy_pair
    metric = CappedPSNRMetric(max_val=4095.0)
    torch.testing.assert_close(metric(noisy * 4095, label * 4095), CappedPSNRMetric(max_val=1.0)(noisy, label))
