"""Claims about targets that are means over squares of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from skimage.measure import block_reduce

from monai_gan_denoise.transforms import AreaMeand, LowDoseNoised, area_mean
from monai_gan_denoise.transforms.area_mean import choose_factor

FACTORS = {"ct": 2, "us": 3}


@pytest.mark.parametrize("shape", [(1, 40, 60), (3, 41, 62)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_every_slice_is_averaged_over_squares_and_odd_rows_are_cut(shape: tuple[int, ...], factor: int) -> None:
    stack = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    height, width = (length // factor * factor for length in shape[1:])
    expected = np.stack([block_reduce(one[:height, :width], (factor, factor), np.mean) for one in stack.numpy()])
    np.testing.assert_allclose(area_mean(stack, factor).numpy(), expected, rtol=1e-5)


def test_white_noise_gets_weaker_by_the_factor() -> None:
    noise = torch.randn(1, 600, 600, generator=torch.Generator().manual_seed(1))
    assert area_mean(noise, 2).std().item() == pytest.approx(1 / 2, rel=0.01)
    assert area_mean(noise, 3).std().item() == pytest.approx(1 / 3, rel=0.01)


@pytest.mark.parametrize("factor", [0, 9])
def test_a_factor_beyond_the_image_is_refused(factor: int) -> None:
    with pytest.raises(ValueError, match="factor must be from 1 to a side of 8 x 20"):
        area_mean(torch.rand(1, 8, 20), factor)


@pytest.mark.parametrize(
    ("size", "largest", "expected"),
    [
        ((223, 400), 3, 1),
        ((224, 224), 3, 2),
        ((540, 800), 3, 2),
        ((576, 800), 3, 3),
        ((576, 800), 2, 2),
        ((2000, 2000), 4, 4),
    ],
)
def test_a_factor_leaves_enough_of_the_image(size: tuple[int, int], largest: int, expected: int) -> None:
    assert choose_factor(*size, largest) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"modality": "ct"}, (1, 300, 350)),
        ({"modality": "us"}, (1, 200, 233)),
        ({"modality": "ct", "windowed": True}, (1, 300, 350)),
        ({"modality": "ct", "photograph": 0}, (1, 300, 350)),
        ({"modality": "mr"}, (1, 600, 700)),
        ({"modality": "ct", "native": True}, (1, 600, 700)),
        ({"modality": "ct", "image": torch.rand(1, 600, 700)}, (1, 600, 700)),
        ({"modality": "ct", "dead_leaves": 0}, (1, 600, 700)),
    ],
)
def test_clean_images_alone_are_averaged(item: dict[str, Any], expected: tuple[int, ...]) -> None:
    averaged = AreaMeand("label", FACTORS)({"label": torch.rand(1, 600, 700), **item})
    assert tuple(averaged["label"].shape) == expected


def test_a_pixel_grows_with_the_square_it_stands_for() -> None:
    halve = AreaMeand("label", FACTORS)
    told = halve({"label": torch.rand(2, 300, 300), "modality": "ct", "spacing": 0.7})
    silent = halve({"label": torch.rand(2, 300, 300), "modality": "ct"})
    assert (told["spacing"], told["area_mean"]) == (1.4, 2)
    assert "spacing" not in silent


def test_the_low_dose_of_a_halved_image_is_that_of_its_larger_pixels() -> None:
    label = torch.full((1, 48, 48), 0.34)
    scanner = LowDoseNoised("label", spacing=(0.7, 0.7))
    halved = scanner({"label": label, "modality": "ct", "area_mean": 2})["low_dose_noise"]
    told = scanner({"label": label, "modality": "ct", "spacing": 1.4})["low_dose_noise"]
    assert torch.equal(halved, told)


def test_a_factor_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="factors must be at least 1, got 0 for ct"):
        AreaMeand("label", {"ct": 0})


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="modality must be one of"):
        AreaMeand("label", {"pet": 2})
