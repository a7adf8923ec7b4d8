"""Claims about random windows of CT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from monai_gan_denoise.transforms import NormalizeModalityd, RandWindowd


def window(prob: float = 1.0, seed: int = 4, **settings: Any) -> RandWindowd:
    ranges = {"level": (40.0, 40.0), "width": (400.0, 400.0)}
    transform = RandWindowd(["image", "label"], prob, **{**ranges, **settings})
    transform.set_random_state(seed)
    return transform


def item(hu: Tensor, modality: str = "ct", **more: Any) -> dict[str, Any]:
    return {**NormalizeModalityd("label")({"label": hu, "modality": modality}), **more}


def test_a_window_shows_its_hu_from_black_to_white() -> None:
    hu = torch.tensor([-1024.0, -160.0, 40.0, 140.0, 240.0, 1976.0]).reshape(1, 1, 6)
    shown = window()(item(hu))
    assert shown["windowed"] is True
    np.testing.assert_allclose(shown["label"].flatten(), [0, 0, 0.5, 0.75, 1, 1], atol=1e-5)


def test_without_clipping_the_window_goes_on_beyond_black_and_white() -> None:
    shown = window(clip=False)(item(torch.tensor([-560.0, 640.0]).reshape(1, 1, 2)))["label"]
    np.testing.assert_allclose(shown.flatten(), [-1, 2], atol=1e-5)


def test_noisy_and_clean_image_get_the_same_window_and_the_bank_its_scale() -> None:
    data = item(torch.linspace(0, 80, 16).reshape(1, 4, 4))
    noise = torch.full((2, 4, 4), 0.01)
    data |= {"image": data["label"] + 0.01, "low_dose_noise": noise}
    shown = window(level=(0, 80), width=(600, 900))(data)
    torch.testing.assert_close(shown["image"], shown["label"] + shown["low_dose_noise"][:1])


def test_a_ct_of_a_sharp_kernel_stays_in_hu() -> None:
    data = item(torch.rand(1, 4, 4), sharp=True)
    shown = window()(data)
    assert torch.equal(shown["label"], data["label"])
    assert "windowed" not in shown


def test_levels_are_uniform_and_widths_uniform_in_the_exponent() -> None:
    transform = window(level=(-600, 300), width=(100, 1000))
    windows = []
    for _ in range(500):
        transform.randomize()
        windows.append(transform.window)
    lower, width = np.array(windows).T
    assert stats.kstest(lower + width / 2, stats.uniform(-600, 900).cdf).pvalue > 0.01
    assert stats.kstest(np.log10(width), stats.uniform(2, 1).cdf).pvalue > 0.01


def test_ct_is_windowed_sometimes() -> None:
    transform, data = window(prob=0.3), item(torch.rand(1, 4, 4))
    count = sum(bool(transform(data).get("windowed")) for _ in range(500))
    assert 0.001 < stats.binom(500, 0.3).cdf(count) < 0.999


@pytest.mark.parametrize(("modality", "windowed"), [("mr", False), ("us", False), ("ct", True)])
def test_other_modalities_and_windowed_ct_pass_unchanged(modality: str, windowed: bool) -> None:
    data = item(torch.rand(1, 8, 8), modality, windowed=windowed)
    assert torch.equal(window()(data)["label"], data["label"])


def test_the_original_is_not_modified() -> None:
    data = item(torch.rand(1, 8, 8))
    before = data["label"].clone()
    window()(data)
    assert torch.equal(data["label"], before)


@pytest.mark.parametrize("width", [(0.0, 100.0), (200.0, 100.0)])
def test_widths_that_are_not_in_order_are_refused(width: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="width must be two positive numbers, lowest first"):
        window(width=width)
