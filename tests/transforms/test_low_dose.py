"""Claims about low-dose noise that is precomputed for training; the oracle is the exact law."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Any

import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import Compose, RandSpatialCropSamplesd
from torch import Generator, Tensor

from monai_gan_denoise.transforms import LowDoseNoised, mix_low_dose_noise
from monai_gan_denoise.transforms.noise import Scan
from monai_gan_denoise.transforms.noise.projection import draw_low_dose_noise
from monai_gan_denoise.transforms.noise.tomography import Tomograph

SIDE, SPACING = 128, 3.0
PHOTONS = 1e5
SCANNER = {"photons": (PHOTONS, PHOTONS), "spacing": (SPACING, SPACING), "geometries": ["fan"], "kernels": ["hann"]}


def cylinder(diameter: float = 300.0) -> Tensor:
    """Water of a wide patient in air, ``(1, H, W)`` in network units; 315 photons pass its middle at full dose."""
    axis = (torch.arange(SIDE) - SIDE // 2) * SPACING
    return torch.where(torch.hypot(axis, axis[:, None]) <= diameter / 2, 1024 / 3000, 24 / 3000)[None]


INSIDE = cylinder()[0] > 0.1


def precompute(label: Tensor, modality: str = "ct", **more: Any) -> Tensor:
    return LowDoseNoised("label", **{**SCANNER, **more})({"label": label, "modality": modality})["low_dose_noise"]


@cache
def default_noise() -> Tensor:
    return precompute(cylinder())


@cache
def cylinder_noise() -> Tensor:
    return precompute(cylinder(), realizations=6)


@pytest.mark.parametrize("dose", [1.0, 0.5, 0.25, 0.1, 0.05])
def test_mixed_noise_has_the_deviation_of_the_exact_law(dose: float, rng: Generator) -> None:
    tomograph = Tomograph(Scan(SPACING), SIDE, SIDE)
    exact = draw_low_dose_noise(cylinder()[0] * 3000 - 1024, dose, PHOTONS, 3.0, rng, tomograph, 12)[:, INSIDE]
    mixed = torch.stack([3000 * mix_low_dose_noise(cylinder_noise(), dose, rng)[0] for _ in range(30)])[:, INSIDE]
    assert (mixed.std() / exact.std()).item() == pytest.approx(1, rel=0.05)


def test_mixed_noise_has_the_texture_of_the_exact_law(rng: Generator) -> None:
    tomograph = Tomograph(Scan(SPACING), SIDE, SIDE)
    exact = draw_low_dose_noise(cylinder()[0] * 3000 - 1024, 0.25, PHOTONS, 3.0, rng, tomograph, 12)
    mixed = torch.stack([mix_low_dose_noise(cylinder_noise(), 0.25, rng)[0] for _ in range(30)])

    def correlation(noise: Tensor, step: int) -> float:
        middle = noise[:, 48:80, 48:80]
        shifted = noise[:, 48:80, 48 + step : 80 + step]
        return ((middle * shifted).mean() / (middle.std() * shifted.std())).item()

    for step in (1, 2, 3):
        assert correlation(mixed, step) == pytest.approx(correlation(exact, step), abs=0.04)


def test_below_the_lower_reference_the_deviation_follows_one_over_the_root_of_dose() -> None:
    high, low = (mix_low_dose_noise(cylinder_noise(), dose, Generator().manual_seed(1)) for dose in (0.05, 0.0125))
    assert torch.allclose(low, 2 * high)


def test_every_mixture_is_new(rng: Generator) -> None:
    mixtures = torch.stack([mix_low_dose_noise(cylinder_noise(), 0.25, rng)[0][INSIDE] for _ in range(40)])
    correlations = torch.corrcoef(mixtures)[~torch.eye(40, dtype=torch.bool)].abs()
    assert correlations.max() < 0.999
    assert correlations.median() < 0.5


def test_every_patch_of_a_batch_has_its_dose(rng: Generator) -> None:
    noise = cylinder_noise().expand(3, -1, -1, -1)
    doses = torch.tensor([1.0, 0.3, 0.06]).reshape(3, 1, 1, 1)
    deviation = (
        torch.stack([mix_low_dose_noise(noise, doses, rng)[:, 0, INSIDE].std(1) for _ in range(20)])
        .square()
        .mean(0)
        .sqrt()
    )
    alone = [
        torch.stack([mix_low_dose_noise(cylinder_noise(), dose, rng)[0, INSIDE] for _ in range(20)]).std().item()
        for dose in (1.0, 0.3, 0.06)
    ]
    assert deviation.tolist() == pytest.approx(alone, rel=0.05)


def test_noise_follows_from_the_seed_and_the_slice_in_any_order() -> None:
    transform = LowDoseNoised("label", photons=(1e5, 1e6), seed=3)
    wide, narrow = ({"label": cylinder(diameter), "modality": "ct"} for diameter in (300, 200))
    first = [transform(item)["low_dose_noise"] for item in (wide, narrow)]
    again = [transform(item)["low_dose_noise"] for item in (narrow, wide)]
    assert torch.equal(first[0], again[1])
    assert torch.equal(first[1], again[0])
    assert not torch.equal(first[0], LowDoseNoised("label", photons=(1e5, 1e6), seed=4)(wide)["low_dose_noise"])


def test_slices_differ_in_their_scanner() -> None:
    transform = LowDoseNoised("label", photons=(1e6, 1e6), spacing=(0.7, 0.7))
    labels = [cylinder() + 1e-5 * number for number in range(6)]
    noises = [transform({"label": label, "modality": "ct"})["low_dose_noise"][0].float() for label in labels]
    roughness = torch.stack(
        [(noise[:, 1:] - noise[:, :-1])[:, 48:80].std() / noise[:, 48:80].std() for noise in noises]
    )
    assert roughness.max() > 1.2 * roughness.min()


def test_the_slice_s_own_spacing_comes_first() -> None:
    item = {"label": cylinder(), "modality": "ct", "spacing": SPACING}
    noise = LowDoseNoised("label", **{**SCANNER, "spacing": (0.5, 0.5)})(item)["low_dose_noise"]
    assert torch.equal(noise, default_noise())


def test_the_modality_of_the_metadata_is_read() -> None:
    label = MetaTensor(cylinder(), meta={"modality": "ct"})
    assert torch.equal(LowDoseNoised("label", **SCANNER)({"label": label})["low_dose_noise"], default_noise())


def test_other_modalities_get_zeros_that_take_no_memory() -> None:
    noise = precompute(cylinder(), modality="mr")
    assert noise.shape == default_noise().shape
    assert not noise.any()
    assert noise.untyped_storage().nbytes() == 2


def test_label_and_noise_are_cropped_by_one_window_and_collate_with_other_modalities() -> None:
    ramp = torch.arange(SIDE * SIDE).reshape(1, SIDE, SIDE) / SIDE**2  # each value names its pixel
    crop = RandSpatialCropSamplesd(["label", "low_dose_noise"], roi_size=[32, 32], num_samples=4, random_size=False)
    crop.set_random_state(0)
    items = [{"label": ramp, "modality": modality} for modality in ("ct", "mr")]
    dataset = CacheDataset(items, Compose([LowDoseNoised("label", **SCANNER), crop]), progress=False)
    batch = next(iter(DataLoader(dataset, batch_size=2)))
    whole = precompute(ramp)
    assert batch["low_dose_noise"].shape == (8, 4, 32, 32)
    for label, noise, modality in zip(batch["label"], batch["low_dose_noise"], batch["modality"], strict=True):
        row, column = divmod(round(label[0, 0, 0].item() * SIDE**2), SIDE)
        expected = whole[:, row : row + 32, column : column + 32]
        assert torch.equal(noise.as_tensor(), expected if modality == "ct" else torch.zeros_like(expected))


def test_each_slice_of_a_stack_gets_the_noise_that_it_gets_alone() -> None:
    stack = torch.rand(2, 64, 64)
    noise = LowDoseNoised("label")({"label": stack, "modality": "ct"})["low_dose_noise"]
    for index in range(2):
        alone = LowDoseNoised("label")({"label": stack[index : index + 1], "modality": "ct"})["low_dose_noise"]
        assert torch.equal(noise[index], alone)


def test_a_windowed_ct_gets_no_noise() -> None:
    item = {"label": torch.rand(1, 64, 64), "modality": "ct", "windowed": True}
    assert "low_dose_noise" not in LowDoseNoised("label")(item)


def test_labels_are_left_as_they_are() -> None:
    label = cylinder()
    precompute(label)
    assert torch.equal(label, cylinder())


@pytest.mark.slow
def test_a_batch_of_64_patches_is_mixed_at_more_than_500_patches_a_second(rng: Generator) -> None:
    noise = cylinder_noise()[:4, :96, :96].expand(64, -1, -1, -1).contiguous()
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        mix_low_dose_noise(noise, 0.25, rng)
        seconds.append(time.perf_counter() - start)
    assert 64 / min(seconds) > 500


@pytest.mark.parametrize("dose", [0.0, 1.5, -0.1, math.nan])
def test_a_dose_outside_its_range_is_refused(dose: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"dose must be in \(0, 1\], got"):
        mix_low_dose_noise(cylinder_noise(), dose, rng)


def test_a_single_realization_is_refused() -> None:
    with pytest.raises(ValueError, match="realizations must be at least 2, got 1"):
        LowDoseNoised("label", realizations=1)


def test_a_pair_gets_no_bank() -> None:
    label = torch.zeros(1, 64, 64)
    assert "low_dose_noise" not in LowDoseNoised("label")({"label": label, "image": label, "modality": "ct"})
