"""Claims about photographs that stand in for images of a modality."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.transforms import PhotographContentd, show_photograph


@pytest.fixture
def gray() -> Tensor:
    return torch.rand(1, 60, 80, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_seed_gives_the_same_image_and_another_seed_another(gray: Tensor, modality: str) -> None:
    first, again, other = (show_photograph(gray, seed, modality) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == gray.shape


@pytest.mark.parametrize("modality", ["xr", "us", "oct"])
def test_what_is_brighter_stays_brighter(gray: Tensor, modality: str) -> None:
    shown = show_photograph(gray, 5, modality)
    assert stats.spearmanr(gray.flatten(), shown.flatten()).statistic == pytest.approx(1)
    assert 0 <= shown.min() < shown.max() <= 1


def test_ct_spans_a_range_of_hu_that_tissues_have() -> None:
    ramp = torch.linspace(0, 1, 50).expand(1, 50, 50)
    ends = np.array([(shown.min(), shown.max()) for shown in (show_photograph(ramp, n, "ct") for n in range(40))])
    lowest, highest = 3000 * ends.T - 1024
    assert lowest.min() >= -1024.01
    assert ((highest >= 79) & (highest <= 1201)).all()
    assert 0.2 < (lowest < -600).mean() < 0.7


def test_most_mr_are_exactly_zero_outside_a_body_and_positive_inside(gray: Tensor) -> None:
    shown = [show_photograph(gray + 0.1, seed, "mr")[0] for seed in range(40)]
    black = np.array([(image == 0).float().mean() for image in shown])
    assert 0.5 < (black > 0.1).mean() < 0.9
    assert min(float(image[27:33, 37:43].min()) for image in shown) > 0


def test_a_photograph_shown_as_ct_holds_hu(gray: Tensor) -> None:
    item = {"label": gray, "modality": "ct", "photograph": 0, "windowed": True}
    shown = PhotographContentd("label")(item)
    assert shown["windowed"] is False
    assert 0.5 <= shown["spacing"] <= 0.95
    assert torch.equal(shown["label"], show_photograph(gray, 0, "ct"))


def test_other_images_pass(gray: Tensor) -> None:
    item = {"label": gray, "modality": "ct", "windowed": True}
    assert PhotographContentd("label")(item) == item


def test_an_unknown_modality_is_refused(gray: Tensor) -> None:
    with pytest.raises(ValueError, match="modality must be one of"):
        show_photograph(gray, 0, "natural")
