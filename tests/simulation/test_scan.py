"""Noise on a scan in memory: its units, its slices, and what it is not drawn for."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from monai_gan_denoise.scans.scan import Scan
from monai_gan_denoise.simulation import Simulation
from monai_gan_denoise.simulation.scan import check_scan, draw_noise, law_units
from monai_gan_denoise.transforms.noise import LAWS, Law

Seen = list[tuple[Tensor, dict[str, Any]]]


def scan(low: float, high: float, shape: tuple[int, ...] = (96, 80), **settings: Any) -> Scan:
    """A ramp from low to high."""
    values = np.linspace(low, high, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    return Scan(values, np.eye(4), **settings)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What the law "spy" has been called with; it adds the level."""
    calls: Seen = []

    def draw(image: Tensor, level: float, rng: Generator, **parameters: Any) -> Tensor:
        calls.append((image.clone(), parameters))
        return image + level

    law = Law("spy", draw, ("mr",), "what is added", (0, 1), (0.1, 0.2, 0.3), {"spacing": 9.0, "width": 2.0})
    monkeypatch.setitem(LAWS, "spy", law)
    return calls


UNITS = {
    "CT": (scan(-1000, 800), "ct", (-1024, 3000)),
    "CT with an offset": (scan(24, 1824, hu_offset=1024.0), "ct", (0, 3000)),
    "CT of 8 bits": (scan(3, 200, bit_range=(0.0, 255.0)), "ct", (0, 255)),
    "8 bits": (scan(3, 200, bit_range=(0.0, 255.0)), "us", (0, 255)),
    "8 bits, signed": (scan(-100, 100, bit_range=(-128.0, 127.0)), "mr", (-128, 255)),
    "others": (scan(100, 1300), "mr", (0, 1200)),
    "others below 0": (scan(-100, 1300), "oct", (0, 1400)),
    "an offset that is not of CT": (scan(100, 1300, hu_offset=1024.0), "xr", (0, 1200)),
    "an alias": (scan(-1000, 800), "mri", (0, 1800)),
}


@pytest.mark.parametrize("case", UNITS)
def test_the_deviation_is_the_level_times_the_range(case: str) -> None:
    image, modality, (zero, width) = UNITS[case]
    assert law_units(image, modality, LAWS["gaussian"]) == pytest.approx((zero, width))
    noise = draw_noise(image, modality, Simulation("gaussian", 0.1), "a")
    count = noise.size
    assert noise.std() == pytest.approx(0.1 * width, rel=5 / np.sqrt(2 * count))
    assert abs(noise.mean()) < 5 * 0.1 * width / np.sqrt(count)


@pytest.mark.parametrize("case", UNITS)
def test_multiplicative_noise_grows_from_the_physical_zero(case: str) -> None:
    image, modality, (zero, _) = UNITS[case]
    noise = draw_noise(image, modality, Simulation("speckle", 0.2), "a")
    echo = image.values - np.float64(zero)
    assert (noise / echo).std() == pytest.approx(0.2, rel=0.06)


SHOWN = [scan(100.3, 200.7), scan(-60, 0), scan(0, 1)]


@pytest.mark.parametrize("image", SHOWN, ids=["counts", "decibels", "fractions"])
def test_salt_and_pepper_are_the_brightest_and_the_darkest_of_what_is_shown(image: Scan) -> None:
    change = draw_noise(image, "us", Simulation("impulse", 0.2), "a")
    lost = (image.values + change)[change != 0].astype(np.float32)  # the type of the file
    assert len(lost) == pytest.approx(0.2 * change.size, rel=0.1)
    assert set(lost) == {image.values.min(), image.values.max()}
    assert (lost == lost.max()).mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("image", SHOWN, ids=["counts", "decibels", "fractions"])
def test_impulses_of_random_value_lie_evenly_between_darkest_and_brightest(image: Scan) -> None:
    noisy = image.values + draw_noise(image, "us", Simulation("impulse-random", 1), "a")
    low, high = float(image.values.min()), float(image.values.max())
    assert stats.kstest(noisy.ravel(), stats.uniform(low, high - low).cdf).pvalue > 0.01


@pytest.mark.parametrize("image", SHOWN, ids=["counts", "decibels", "fractions"])
def test_a_jpeg_holds_all_that_is_shown(image: Scan) -> None:
    low, high = float(image.values.min()), float(image.values.max())
    with io.BytesIO() as file:
        gray = np.rint(255 * (image.values - low) / (high - low)).astype(np.uint8)
        PIL.Image.fromarray(gray).save(file, "JPEG", quality=10)
        stored = np.asarray(PIL.Image.open(file)) / 255 * (high - low) + low
    noisy = image.values + draw_noise(image, "us", Simulation("jpeg", 10), "a")
    np.testing.assert_allclose(noisy, stored, atol=1e-4 * (high - low))


@pytest.mark.parametrize("image", SHOWN, ids=["counts", "decibels", "fractions"])
def test_few_bits_leave_few_gray_values_from_darkest_to_brightest(image: Scan) -> None:
    noisy = image.values + draw_noise(image, "us", Simulation("quantization", 2), "a")
    expected = np.linspace(image.values.min(), image.values.max(), 4)
    assert np.unique(noisy.round(3)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("case", UNITS)
def test_level_0_adds_exactly_nothing(case: str) -> None:
    image, modality, _ = UNITS[case]
    for law in LAWS.values():
        if law.bounds[0] == 0:
            noise = draw_noise(image, modality, Simulation(law.name, 0), "a")
            assert not noise.any(), law.name


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_law_sees_one_slice_at_a_time_in_its_units(axis: int, seen: Seen) -> None:
    image = scan(0, 1000, (20, 30, 40), slice_axis=axis)
    noise = draw_noise(image, "mr", Simulation("spy", 0.25), "a")
    slices = np.moveaxis(image.values, axis, 0)
    assert len(seen) == len(slices)
    for (given, _), expected in zip(seen, slices, strict=True):
        assert given.shape == (1, 1, *expected.shape)
        assert given.dtype == torch.float32
        np.testing.assert_allclose(given[0, 0], expected / 1000, atol=1e-6)
    np.testing.assert_allclose(noise, 250, rtol=1e-5)
    assert noise.shape == image.values.shape


def test_every_slice_of_four_axes_has_noise_of_its_own_and_the_input_stays() -> None:
    image = Scan(np.tile(np.float32([0, 1]), (16, 9, 3, 2)).reshape(16, 18, 3, 2), np.eye(4), 2)
    before = image.values.copy()
    noise = draw_noise(image, "mr", Simulation("gaussian", 0.1), "a").reshape(16 * 18, 6)
    assert np.abs(np.corrcoef(noise.T) - np.eye(6)).max() < 0.3
    assert np.array_equal(image.values, before)


def test_one_slice_alone_has_the_noise_that_it_has_in_any_run() -> None:
    image = scan(0, 1000, (20, 30, 3), slice_axis=2)
    longer = scan(0, 1000, (20, 30, 3, 2), slice_axis=2)
    first = draw_noise(image, "mr", Simulation("gaussian", 0.1), "a")
    assert np.array_equal(first, draw_noise(image, "mr", Simulation("gaussian", 0.1), "a"))
    assert not np.array_equal(first, draw_noise(image, "mr", Simulation("gaussian", 0.1, 1), "a"))
    assert not np.array_equal(first, draw_noise(image, "mr", Simulation("gaussian", 0.1), "b"))
    assert draw_noise(longer, "mr", Simulation("gaussian", 0.1), "a").shape == (20, 30, 3, 2)


@pytest.mark.parametrize(
    ("settings", "spacing", "expected"),
    [({}, 0.7, 0.7), ({}, None, 9.0), ({"spacing": 2.0}, 0.7, 2.0), ({"spacing": 2.0}, None, 2.0)],
)
def test_a_law_that_asks_for_the_spacing_gets_it(
    settings: dict[str, float], spacing: float | None, expected: float, seen: Seen
) -> None:
    draw_noise(scan(0, 1), "mr", Simulation("spy", 0.1, 0, settings), "a", spacing)
    assert seen[0][1] == {"spacing": expected, "width": 2.0}


BELOW = scan(-5, 1000)


@pytest.mark.parametrize(
    ("image", "modality", "law", "reason"),
    [
        (scan(0, 1), "ct", "rician", r"modality must be mr for rician, got ct in a\.nii\. .*--force"),
        (scan(0, 1), "pet", "gaussian", "modality must be one of ct, mr, xr, us, oct, got 'pet'"),
        (scan(7, 7), "mr", "gaussian", r"values must vary.* got a constant in a\.nii"),
        (BELOW, "xr", "poisson", r"values must be at least 0 for poisson, .* got -5 in a\.nii"),
        (BELOW, "us", "us-speckle", r"values must be at least 0 for us-speckle, .* got -5 in a\.nii"),
        (BELOW, "mr", "rician", r"values must be at least 0 for rician, .* got -5 in a\.nii"),
        (scan(-1030, 9), "ct", "poisson", r"values must be at least -1024 for poisson, .* got -1030 in a\.nii"),
        (scan(-9, 9, hu_offset=1024.0), "ct", "poisson", r"values must be at least 0 for poisson"),
    ],
)
def test_a_scan_that_the_law_has_no_meaning_for_is_refused(image: Scan, modality: str, law: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_scan(image, modality, LAWS[law], "a.nii")


@pytest.mark.parametrize(
    ("image", "modality", "law"),
    [
        (scan(0, 1), "mr", "rician"),
        (scan(0, 1), "mri", "rician"),
        (BELOW, "mr", "gaussian"),
        (scan(-1024, 9), "ct", "poisson"),
        (scan(-128, 127, bit_range=(-128.0, 127.0)), "us", "poisson"),
        (scan(7, 7, bit_range=(0.0, 255.0)), "us", "gaussian"),
        (scan(7, 7), "ct", "gaussian"),
    ],
)
def test_a_scan_that_suits_the_law_passes(image: Scan, modality: str, law: str) -> None:
    check_scan(image, modality, LAWS[law], "a.nii")


def test_force_admits_another_modality_and_nothing_else() -> None:
    check_scan(scan(0, 1), "ct", LAWS["rician"], "a.nii", force=True)
    with pytest.raises(ValueError, match="at least 0"):
        check_scan(BELOW, "xr", LAWS["rician"], "a.nii", force=True)
    with pytest.raises(ValueError, match="modality must be one of"):
        check_scan(scan(0, 1), "pet", LAWS["rician"], "a.nii", force=True)


def test_a_law_in_hounsfield_units_checks_ct_in_hu_and_takes_no_8_bit_ct() -> None:
    checked = []

    def check(values: Tensor) -> None:
        checked.append((float(values.min()), float(values.max())))
        if values.max() > 5000:
            raise ValueError("CT values must be HU, got more. Convert them.")

    law = replace(LAWS["gaussian"], check=check)
    check_scan(scan(24, 1824, hu_offset=1024.0), "ct", law, "a.png")
    assert checked == [(-1000, 800)]
    with pytest.raises(ValueError, match="CT values must be HU"):
        check_scan(scan(0, 9000), "ct", law, "a.nii")
    with pytest.raises(ValueError, match=r"values must be HU for gaussian, got 8-bit pixels in a\.png"):
        check_scan(scan(0, 255, bit_range=(0.0, 255.0)), "ct", law, "a.png")
    check_scan(scan(0, 9000), "mr", law, "a.nii", force=True)
    check_scan(scan(0, 255, bit_range=(0.0, 255.0)), "us", law, "a.png", force=True)
