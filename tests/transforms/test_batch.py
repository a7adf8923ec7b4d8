"""Claims about the noise that is simulated on batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from monai_gan_denoise.transforms import NoiseDistribution, SimulateNoise, collate_patches
from monai_gan_denoise.transforms.noise import LAWS, Law

GAUSSIAN = {"all": {"gaussian": {"level": [0.02, 0.3]}}}


def simulate(laws: dict[str, Any] | None = None, clean: float = 0.0, second: float = 0.0, **more: Any) -> SimulateNoise:
    return SimulateNoise(NoiseDistribution(laws or GAUSSIAN, clean=clean, second=second), **more)


def batch_of(label: Tensor, modality: str = "mr", **more: Any) -> dict[str, Any]:
    return {"label": label, "modality": [modality] * len(label), **more}


def gray(count: int, side: int = 16, modality: str = "mr", **more: Any) -> dict[str, Any]:
    return batch_of(torch.full((count, 1, side, side), 0.5), modality, **more)


@pytest.mark.parametrize(
    ("law", "level", "second_moment"),
    [
        ("gaussian", 0.1, 0.1**2),
        ("speckle", 0.2, (0.2 * 0.5) ** 2),
        ("poisson", 0.04, 0.5 / 40),
        ("impulse", 0.2, 0.2 * 0.5**2),
        ("rician", 0.1, stats.rice(5, scale=0.1).expect(lambda magnitude: (magnitude - 0.5) ** 2)),
    ],
)
def test_every_law_is_reached_by_its_name(law: str, level: float, second_moment: float) -> None:
    noisy, label = simulate({"mr": {law: {"level": level}}})(gray(8, 128))
    assert (noisy - label).square().mean().item() == pytest.approx(second_moment, rel=0.03)


def test_every_image_gets_the_noise_drawn_for_it() -> None:
    laws = {"all": {"gaussian": {"level": [0.02, 0.3]}, "speckle": {"level": [0.05, 0.5]}}}
    noise = simulate(laws, clean=0.2, second=0.3)
    noisy, label = noise(gray(200, 64))
    for image, drawn in zip(noisy - label, noise.drawn, strict=True):
        scales = {"gaussian": 1.0, "speckle": 0.5}
        variance = sum((law.level * scales[law.law]) ** 2 for law in drawn)
        if len({law.law for law in drawn}) == len(drawn) and [law.law for law in drawn] != ["gaussian", "speckle"]:
            assert image.var().item() == pytest.approx(variance, rel=0.12)


def test_laws_suit_the_modality_of_each_image() -> None:
    laws = {"us": {"speckle": {"level": 0.1}}, "mri": {"rician": {"level": 0.1}}}
    noise = simulate(laws)
    noise({"label": torch.rand(40, 1, 8, 8), "modality": ["us", "mr", "mri", "us"] * 10})
    assert [drawn[0].law for drawn in noise.drawn] == ["speckle", "rician", "rician", "speckle"] * 10


def test_images_of_different_parameters_are_not_mixed_up() -> None:
    noise = simulate({"xr": {"poisson": {"level": 1.0, "parameters": {"full_counts": [20.0, 500.0]}}}})
    noisy, label = noise(gray(30, 64, "xr"))
    for image, drawn in zip(noisy - label, noise.drawn, strict=True):
        assert image.var().item() == pytest.approx(0.5 / float(drawn[0].record()["full_counts"]), rel=0.15)


def test_the_batch_draws_what_the_transform_for_one_image_draws() -> None:
    distribution, random = NoiseDistribution(GAUSSIAN, clean=0.2, second=0.3), np.random.RandomState(5)
    expected = [distribution.draw("mr", random) for _ in range(50)]
    noise = simulate(clean=0.2, second=0.3, seed=5)
    noise(gray(50))
    assert noise.drawn == expected


def test_clean_image_is_turned_into_all_eight_positions() -> None:
    original = np.arange(16, dtype=np.float32).reshape(4, 4)
    turned = {np.rot90(image, turn).tobytes() for image in (original, original.T) for turn in range(4)}
    noisy, label = simulate(clean=1.0)(batch_of(torch.from_numpy(original).repeat(200, 1, 1, 1)))
    assert {image[0].contiguous().numpy().tobytes() for image in label} == turned
    assert torch.equal(noisy, label)


def test_contrast_and_offset_move_noisy_and_clean_image_alike() -> None:
    ramp = batch_of(torch.linspace(0, 1, 64).view(1, 1, 8, 8).repeat(500, 1, 1, 1))
    noisy, label = simulate(clean=1.0, contrast=(0.6, 1.2), offset=(-0.05, 0.1))(ramp)
    lowest, highest = label.flatten(1).min(1).values.numpy(), label.flatten(1).max(1).values.numpy()
    assert stats.kstest(highest - lowest, stats.uniform(0.6, 0.6).cdf).pvalue > 0.01
    assert stats.kstest(lowest, stats.uniform(-0.05, 0.15).cdf).pvalue > 0.01
    assert torch.equal(noisy, label)


def test_same_seed_gives_the_same_bits_batch_after_batch(phantom: Tensor) -> None:
    batch = batch_of(phantom.repeat(4, 1, 1, 1))
    first, again, other = (simulate(seed=seed) for seed in (1, 1, 2))
    for _ in range(2):
        expected, drawn, different = first(batch), again(batch), other(batch)
        assert torch.equal(drawn[0], expected[0])
        assert torch.equal(drawn[1], expected[1])
        assert not torch.equal(different[0], expected[0])


def test_successive_batches_differ(phantom: Tensor) -> None:
    noise = simulate()
    assert not torch.equal(noise(batch_of(phantom))[0], noise(batch_of(phantom))[0])


def test_batch_is_not_modified(phantom: Tensor) -> None:
    batch = batch_of(phantom.repeat(4, 1, 1, 1), "ct", windowed=[True] * 4)
    simulate(contrast=(0.5, 0.6))(batch)
    assert torch.equal(batch["label"], phantom.repeat(4, 1, 1, 1))


def test_batches_leave_in_channels_last_order_on_the_device() -> None:
    for images in simulate()(batch_of(torch.rand((2, 3, 8, 8))), device="cpu", non_blocking=True):
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert images.device == torch.device("cpu")


def _impulses(images: Tensor, *_: Any) -> Tensor:
    return torch.full_like(images, -1.0)


LOW_DOSE = Law("low-dose", _impulses, ("ct",), "the dose", (0.01, 1), (0.5, 0.25, 0.1))


def test_low_dose_noise_comes_from_the_bank_turned_and_scaled_as_its_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", LOW_DOSE)
    image = torch.rand(1, 32, 32)
    # A bank whose one realization is the image: at the full dose it is added as it is, up to its sign.
    bank = image.repeat(2, 1, 1)
    batch = batch_of(image.repeat(16, 1, 1, 1), "ct", low_dose_noise=[bank] * 16)
    noisy, label = simulate({"ct": {"low-dose": {"level": 1.0}}}, contrast=(0.5, 2.0))(batch)
    torch.testing.assert_close((noisy - label).abs(), label)


def test_low_dose_noise_is_exact_where_there_is_no_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", LOW_DOSE)
    batch = gray(2, 16, "ct", low_dose_noise=[torch.zeros(2, 16, 16), None])
    noisy, label = simulate({"ct": {"low-dose": {"level": 0.25}}})(batch)
    assert torch.equal(noisy[0], label[0])
    assert bool((noisy[1] == -1).all())


def test_a_window_cuts_low_dose_noise_and_leaves_other_noise_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", LOW_DOSE)
    laws = {"ct": {"low-dose": {"level": 0.01}, "gaussian": {"level": 0.5}}}
    noise = simulate(laws)
    bank = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(2))
    label = torch.linspace(-0.5, 1.5, 256).reshape(1, 1, 16, 16).repeat(20, 1, 1, 1)
    noisy, clean = noise(batch_of(label, "ct", windowed=[True] * 20, low_dose_noise=[bank] * 20))
    assert clean.min() == 0
    assert clean.max() == 1
    inside = [bool(((image >= 0) & (image <= 1)).all()) for image in noisy]
    assert inside == [drawn[0].law == "low-dose" for drawn in noise.drawn]
    assert 0 < sum(inside) < 20


def test_windowed_ct_without_a_bank_gets_no_law_that_needs_hu() -> None:
    laws = {"all": {"gaussian": {"level": 0.1}}, "ct": {"speckle": {"level": 0.1, "share": 1e9}}}
    noise = simulate(laws)
    noise(gray(2, 16, "ct", windowed=[True, False]))
    assert [drawn[0].law for drawn in noise.drawn] == ["gaussian", "speckle"]


@pytest.mark.parametrize("law", ["rician", "nc-chi", "kspace", "zero-filled"])
def test_a_magnitude_keeps_its_zero(law: str) -> None:
    shifted = {"offset": (0.1, 0.2)}
    black = batch_of(torch.zeros((8, 1, 16, 16)))
    magnitude, counted = (
        simulate({"mr": {name: {"level": 0.1}}}, expect=False, **shifted) for name in (law, "gaussian")
    )
    assert not magnitude(black)[1].any()
    assert (counted(black)[1] >= 0.1).all()


def pairs_of(label: Tensor, measured: Sequence[bool], modality: str = "us", **more: Any) -> dict[str, Any]:
    """A batch in which the noisy side of some is the label plus a number of its own, as collate_patches gives it."""
    noisy = label + 0.1 + 0.01 * torch.arange(len(label))[:, None, None, None]
    patches = [
        {"label": clean, "modality": modality, **({"image": image} if flag else {}), **more}
        for clean, image, flag in zip(label, noisy, measured, strict=True)
    ]
    return collate_patches(patches)  # type: ignore[return-value]


SOME = [True, False, False, True, False, True]


@pytest.mark.parametrize("measured", [SOME, [True] * 6, [False] * 6])
def test_measured_noise_stays_as_it_is_and_only_other_images_get_simulated_noise(measured: list[bool]) -> None:
    noise = simulate({"all": {"impulse": {"level": 0.5}}})
    noisy, label = noise(pairs_of(torch.rand(6, 1, 16, 16), measured))
    assert [drawn == [] for drawn in noise.drawn] == measured
    for row, flag in enumerate(measured):
        difference = noisy[row] - label[row]
        expected = torch.full_like(difference, 0.1 + 0.01 * row)
        assert torch.allclose(difference, expected, atol=1e-6) is flag


def test_both_sides_of_a_pair_are_turned_scaled_and_shifted_alike() -> None:
    label = torch.rand(1, 1, 16, 16).repeat(60, 1, 1, 1)
    batch = pairs_of(label, [True] * 60)
    noisy, clean = simulate(contrast=(0.5, 2.0), offset=(-0.3, 0.3))(batch)
    original = label[0, 0].numpy()
    turned = [np.rot90(image, turn).ravel() for image in (original, original.T) for turn in range(4)]
    seen = set()
    for row in range(60):
        fits = [np.polyfit(image, clean[row].numpy().ravel(), 1, full=True) for image in turned]
        position = int(np.argmin([residual[0] for _, residual, *_ in fits]))
        (gain, offset), (residual,), *_ = fits[position]
        assert residual < 1e-8
        expected = gain * (turned[position] + 0.1 + 0.01 * row) + offset
        np.testing.assert_allclose(noisy[row].numpy().ravel(), expected, atol=1e-5)
        seen.add((position, round(gain, 2), round(offset, 2)))
    assert len({position for position, *_ in seen}) == 8
    assert len(seen) > 50


def test_a_window_cuts_both_sides_of_a_pair() -> None:
    batch = pairs_of(torch.linspace(-1, 2, 256).reshape(1, 1, 16, 16), [True], "ct", windowed=True)
    for image in simulate()(batch):
        assert (image.min(), image.max()) == (0, 1)


def test_a_batch_with_pairs_is_not_modified() -> None:
    batch = pairs_of(torch.rand(2, 1, 16, 16), [True, False])
    before = batch["image"][0].clone()
    simulate(contrast=(0.5, 0.6))(batch)
    assert torch.equal(batch["image"][0], before)


@pytest.mark.parametrize(
    ("modality", "windowed", "shifted"),
    [("ct", False, False), ("ct", True, True), ("mr", False, False), ("mri", False, False), ("us", False, True)],
)
@pytest.mark.parametrize("measured", [True, False])
def test_a_zero_that_means_something_is_never_shifted(
    modality: str, windowed: bool, shifted: bool, measured: bool
) -> None:
    noise = simulate(clean=0.5, offset=(0.1, 0.2), contrast=(0.5, 2.0), zeroed=["ct", "mr"])
    batch = pairs_of(torch.zeros(8, 1, 16, 16), [measured] * 8, modality, windowed=windowed)
    _, label = noise(batch)
    assert bool((label >= 0.1).all()) is shifted
    assert bool((label == 0).all()) is not shifted


def test_an_unknown_modality_cannot_be_zeroed() -> None:
    with pytest.raises(ValueError, match="modality must be one of ct, mr, xr, us, oct, got 'pet'"):
        simulate(zeroed=["pet"])
