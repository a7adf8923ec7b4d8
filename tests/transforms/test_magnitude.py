"""Claims about what is done to denoised MR magnitudes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Generator, Tensor

from monai_gan_denoise.transforms import RemoveMagnitudeBiasd
from monai_gan_denoise.transforms.noise import add_noncentral_chi_noise, magnitude_mean

LEVEL = 40.0


def head(size: int = 128) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(size) - size / 2, torch.arange(size) - size / 2, indexing="ij")
    tissue = (columns / (0.4 * size)) ** 2 + (rows / (0.45 * size)) ** 2 < 1
    return torch.where(tissue, torch.where(columns > 0, 600.0, 150.0), 0.0)[None]


def denoised(clean: Tensor, coils: int = 1, **more: Any) -> dict[str, Any]:
    """What a network that gives the mean of the noisy image makes of it."""
    noisy = add_noncentral_chi_noise(clean, LEVEL, Generator().manual_seed(2), coils)
    return {"image": noisy, "pred": magnitude_mean(clean, LEVEL, coils), "modality": "mr", **more}


@pytest.mark.parametrize("coils", [1, 4])
def test_the_magnitude_without_noise_comes_back(coils: int) -> None:
    corrected = RemoveMagnitudeBiasd()(denoised(head(), coils))["pred"]
    np.testing.assert_allclose(corrected[head() > 0], head()[head() > 0], atol=0.05 * LEVEL)
    assert corrected[head() == 0].mean() < 0.4 * LEVEL  # 1.25 or 3.7 noise levels before; the root of a level's error


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_a_volume_is_corrected_across_any_axis(slice_axis: int) -> None:
    clean = head(48)[0, :, :, None].repeat(1, 1, 20).movedim(-1, slice_axis)[None]
    items = denoised(clean)
    items["image"] = MetaTensor(items["image"], meta={"slice_axis": slice_axis})
    corrected = RemoveMagnitudeBiasd()(items)["pred"]
    np.testing.assert_allclose(corrected[clean > 0], clean[clean > 0], atol=0.1 * LEVEL)


def test_a_large_volume_is_corrected_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = RemoveMagnitudeBiasd()(denoised(head()))["pred"]
    monkeypatch.setattr("monai_gan_denoise.transforms.magnitude.AT_ONCE", 1000)
    assert torch.equal(RemoveMagnitudeBiasd()(denoised(head()))["pred"], whole)


@pytest.mark.parametrize("debias", ["auto", "off"])
@pytest.mark.parametrize("modality", ["mr", "mri"])
def test_a_magnitude_gets_no_value_below_zero(debias: str, modality: str) -> None:
    items = denoised(head(), modality=modality)
    items["pred"] -= 100
    assert RemoveMagnitudeBiasd(debias)(items)["pred"].min() == 0


def test_off_changes_nothing_else() -> None:
    items = denoised(head())
    before = items["pred"].clone()
    assert torch.equal(RemoveMagnitudeBiasd("off")(items)["pred"], before)


@pytest.mark.parametrize("modality", ["ct", "xr", "us", "oct", None])
def test_only_mr_has_such_a_bias(modality: str | None) -> None:
    items = denoised(head(), modality=modality)
    before = items["pred"].clone() - 100
    items["pred"] -= 100
    assert torch.equal(RemoveMagnitudeBiasd()(items)["pred"], before)


def test_an_image_with_negative_values_is_no_magnitude() -> None:
    items = denoised(head())
    items["image"][0, 0, 0] = -1
    before = items["pred"].clone()
    assert torch.equal(RemoveMagnitudeBiasd()(items)["pred"], before)


def test_the_modality_may_come_from_the_metadata() -> None:
    items = denoised(head())
    del items["modality"]
    items["image"] = MetaTensor(items["image"], meta={"modality": "mr"})
    assert RemoveMagnitudeBiasd()(items)["pred"][0, 0, 0] < 0.4 * LEVEL


def zeroed(clean: Tensor) -> dict[str, Any]:
    items = denoised(clean)
    return {**items, **{key: torch.where(clean > 0, items[key], 0.0) for key in ("image", "pred")}}


def test_where_air_is_zeroed_what_was_removed_from_tissue_tells_the_level() -> None:
    np.testing.assert_allclose(RemoveMagnitudeBiasd()(zeroed(head()))["pred"], head(), atol=0.01 * LEVEL)


def test_where_air_is_not_in_the_image_what_was_removed_tells_the_level() -> None:
    items = {key: value[:, 40:90, 40:90] if key != "modality" else value for key, value in denoised(head()).items()}
    np.testing.assert_allclose(RemoveMagnitudeBiasd()(items)["pred"], head()[:, 40:90, 40:90], atol=0.01 * LEVEL)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_where_nothing_was_removed_nothing_is_corrected(value: float) -> None:
    items = {"image": torch.full((1, 32, 32), value), "pred": torch.full((1, 32, 32), value), "modality": "mr"}
    assert torch.equal(RemoveMagnitudeBiasd()(items)["pred"], items["image"])


def test_noise_that_was_cut_off_is_not_corrected(rng: Generator) -> None:
    items = denoised(head())
    items["image"] = (head() + LEVEL * torch.randn(head().shape, generator=rng)).clamp(min=0)
    before = items["pred"].clone()
    assert torch.equal(RemoveMagnitudeBiasd()(items)["pred"], before)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="debias must be one of auto, off, got 'on'"):
        RemoveMagnitudeBiasd("on")
