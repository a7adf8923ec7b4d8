"""Each modality's range to network units and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.transforms import NormalizeModalityd, modality_range

SPANS = {"ct": (-1024, 3071), "mr": (0, 4095), "xr": (0, 65535), "us": (0, 255), "oct": (-60, 40)}


def image_of(modality: str, spatial_dims: int, rng: Generator) -> MetaTensor:
    low, high = SPANS[modality]
    size = (1, 20, 24, 5)[: spatial_dims + 1]
    return MetaTensor(low + (high - low) * torch.rand(size, generator=rng))


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("modality", MODALITIES)
def test_inverse_gives_the_image_back_within_float32(modality: str, spatial_dims: int, rng: Generator) -> None:
    image = image_of(modality, spatial_dims, rng)
    transform = NormalizeModalityd("image")
    there = transform({"image": image.clone(), "modality": modality})
    back = transform.inverse(there)["image"]
    width = SPANS[modality][1] - SPANS[modality][0]
    torch.testing.assert_close(back.as_tensor(), image.as_tensor(), rtol=0, atol=4e-7 * width + 1e-4)
    assert back.applied_operations == []


@given(
    modality=st.sampled_from(MODALITIES),
    low=st.floats(-1e6, 1e6, width=32),
    width=st.floats(2**-20, 1e6, width=32),
    seed=st.integers(0, 99),
    offset=st.sampled_from([0.0, 1024.0]),
    bits=st.sampled_from([None, (0.0, 255.0), (-128.0, 127.0)]),
)
def test_whatever_the_range_order_is_kept_and_the_inverse_gives_the_image_back(
    modality: str, low: float, width: float, seed: int, offset: float, bits: tuple[float, float] | None
) -> None:
    numbers = low + width * torch.rand((1, 16, 16), generator=Generator().manual_seed(seed))
    meta = {"bit_range": bits, "hu_offset": offset}
    transform = NormalizeModalityd("image")
    there = transform({"image": MetaTensor(numbers.clone(), meta=meta), "modality": modality})
    ordered = there["image"].as_tensor().flatten()[numbers.flatten().argsort()]
    assert (ordered.diff() >= 0).all()
    back = transform.inverse(there)["image"].as_tensor()
    lower, upper = modality_range(numbers, modality, bits, offset)
    largest = max(abs(lower), abs(upper), float(numbers.abs().max()))
    assert float((back - numbers).abs().max()) <= 8 * largest * torch.finfo(torch.float32).eps


def test_invertd_takes_a_prediction_to_the_units_of_its_image(rng: Generator) -> None:
    chain = Compose([NormalizeModalityd("image")])
    image = image_of("mr", 2, rng)
    item = chain({"image": image.clone(), "modality": "mr"})
    item["pred"] = MetaTensor(item["image"].as_tensor() * 0.5, meta=item["image"].meta)
    inverted = Invertd("pred", chain, orig_keys="image", nearest_interp=False)(item)["pred"]
    lower = float(np.quantile(image.numpy(), 0.001))
    np.testing.assert_allclose(inverted.numpy(), lower + (image.numpy() - lower) / 2, atol=0.01)


@pytest.mark.parametrize("modality", MODALITIES)
def test_nothing_is_clipped(modality: str, rng: Generator) -> None:
    low, high = SPANS[modality]
    width = high - low
    image = MetaTensor(low + width * torch.rand(1, 128, 128, generator=rng))
    image[0, 0, 0], image[0, 0, 1] = high + 10 * width, low - 10 * width
    result = NormalizeModalityd("image")({"image": image.clone(), "modality": modality})["image"][0]
    lower, upper = modality_range(image, modality)
    np.testing.assert_allclose(result.numpy(), (image.numpy()[0] - lower) / (upper - lower), rtol=1e-5, atol=1e-5)
    assert result[0, 0] > 5
    assert result[0, 1] < -5


@pytest.mark.parametrize(("offset", "expected"), [(0.0, (-1024.0, 1976.0)), (1024.0, (0.0, 3000.0))])
def test_ct_has_one_range_whatever_the_image_holds(offset: float, expected: tuple[float, float]) -> None:
    for image in (torch.zeros(1, 16, 16), torch.full((1, 16, 16), 5000.0), torch.randn(1, 16, 16)):
        assert modality_range(image, "ct", hu_offset=offset) == expected


@pytest.mark.parametrize("modality", MODALITIES)
def test_eight_bits_have_the_range_of_their_bits(modality: str) -> None:
    assert modality_range(torch.full((1, 16, 16), 7.0), modality, bit_range=(0.0, 255.0)) == (0.0, 255.0)


@pytest.mark.parametrize("modality", ["mr", "xr", "us", "oct"])
def test_hot_pixels_do_not_set_the_range(modality: str, rng: Generator) -> None:
    image = 100 * torch.rand(1, 128, 128, generator=rng)
    clean = modality_range(image, modality)
    image[0, 5, :4], image[0, 6, :4] = 1e6, -1e6
    hot = modality_range(image, modality)
    np.testing.assert_allclose(hot, clean, atol=0.2)
    np.testing.assert_allclose(clean, (0.1, 99.9), atol=0.2)


def test_the_range_is_that_of_numpys_percentiles(rng: Generator) -> None:
    image = torch.randn(1, 40, 50, 3, generator=rng)
    np.testing.assert_allclose(modality_range(image, "mr"), np.percentile(image.numpy(), (0.1, 99.9)), rtol=1e-6)


def test_an_image_that_is_almost_all_background_still_has_a_width() -> None:
    image = torch.zeros(1, 100, 100)
    image[0, 3, 3] = 40.0
    assert modality_range(image, "mr") == (0.0, 40.0)


def test_a_constant_image_becomes_0_and_comes_back_exactly() -> None:
    transform = NormalizeModalityd("image")
    there = transform({"image": MetaTensor(torch.full((1, 16, 16), 1234.5)), "modality": "xr"})
    assert torch.equal(there["image"].as_tensor(), torch.zeros(1, 16, 16))
    assert torch.equal(transform.inverse(there)["image"].as_tensor(), torch.full((1, 16, 16), 1234.5))


@pytest.mark.parametrize(("name", "alias"), [("mr", "mri"), ("xr", "xray")])
def test_long_names_mean_the_same(name: str, alias: str, rng: Generator) -> None:
    image: Tensor = torch.rand(1, 16, 16, generator=rng)
    assert modality_range(image, alias) == modality_range(image, name)


def test_the_item_names_the_modality_before_the_metadata_do(rng: Generator) -> None:
    image = torch.full((1, 16, 16), 1976.0)
    meta: dict[str, Any] = {"modality": "ct", "bit_range": None, "hu_offset": 0.0}
    normalize = NormalizeModalityd("image")
    by_meta = normalize({"image": MetaTensor(image, meta=dict(meta))})["image"]
    assert torch.equal(by_meta.as_tensor(), torch.ones(1, 16, 16))
    by_item = normalize({"image": MetaTensor(image, meta=dict(meta)), "modality": "mr"})["image"]
    assert torch.equal(by_item.as_tensor(), torch.zeros(1, 16, 16))


@pytest.mark.parametrize("modality", ["pet", None])
def test_a_modality_that_is_unknown_or_missing_is_refused(modality: str | None) -> None:
    with pytest.raises(ValueError, match=rf"modality must be one of ct, mr, xr, us, oct, got '{modality}'"):
        NormalizeModalityd("image")({"image": torch.zeros(1, 16, 16), "modality": modality})
