"""Claims about which noise is drawn for which image."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator

from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.transforms import NoiseDistribution
from monai_gan_denoise.transforms.distribution import DrawnNoise
from monai_gan_denoise.transforms.noise import LAWS

GAUSSIAN = {"all": {"gaussian": {"level": [0.02, 0.3]}}}


def draw(
    laws: dict[str, Any], modality: str | None = "us", count: int = 2000, **shares: Any
) -> list[list[dict[str, Any]]]:
    distribution, random = NoiseDistribution(laws, **shares), np.random.RandomState(7)
    return [[drawn.record() for drawn in distribution.draw(modality, random)] for _ in range(count)]


def levels(laws: dict[str, Any]) -> np.ndarray:
    return np.array([laws_of_image[0]["level"] for laws_of_image in draw(laws)])


def is_likely(successes: int, count: int, share: float) -> bool:
    return bool(0.001 < stats.binom(count, share).cdf(successes) < 0.999)


def test_deviations_are_the_square_of_a_uniform_number() -> None:
    assert stats.kstest(np.sqrt((levels(GAUSSIAN) - 0.02) / 0.28), "uniform").pvalue > 0.01


def test_doses_are_uniform_in_the_exponent() -> None:
    drawn = levels({"all": {"poisson": {"level": [0.01, 1.0]}}})
    assert stats.kstest(np.log10(drawn), stats.uniform(-2, 2).cdf).pvalue > 0.01


def test_a_spread_replaces_the_usual_one() -> None:
    drawn = levels({"all": {"gaussian": {"level": [0.02, 0.3], "spread": "uniform"}}})
    assert stats.kstest(drawn, stats.uniform(0.02, 0.28).cdf).pvalue > 0.01


def test_what_is_left_out_is_never_drawn_and_the_others_keep_their_shares() -> None:
    laws = {"all": {"gaussian": {"level": 0.1, "share": 3.0}, "speckle": {"level": 0.2}, "poisson": {"level": 0.5}}}
    drawn = Counter(image[0]["law"] for image in draw(laws, without=["poisson"]))
    assert drawn.keys() == {"gaussian", "speckle"}
    assert is_likely(drawn["gaussian"], 2000, 0.75)


def test_a_law_that_there_is_not_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"without must be among gaussian, .*got 'pink'\. Correct it\."):
        NoiseDistribution(GAUSSIAN, without=["pink"])


def test_laws_are_drawn_by_their_shares() -> None:
    laws = {"all": {"gaussian": {"level": 0.1, "share": 3}, "speckle": {"level": 0.1}}}
    first = Counter(drawn[0]["law"] for drawn in draw(laws))
    assert is_likely(first["gaussian"], 2000, 0.75)
    assert first["gaussian"] + first["speckle"] == 2000


def test_clean_and_twice_noisy_images_have_their_shares() -> None:
    counts = Counter(len(drawn) for drawn in draw(GAUSSIAN, clean=0.3, second=0.25))
    assert is_likely(counts[0], 2000, 0.3)
    assert is_likely(counts[2], 2000, 0.7 * 0.25)


def test_a_law_can_be_kept_for_the_second_place() -> None:
    laws = {"all": {"gaussian": {"level": 0.1, "second": 0}, "impulse": {"level": 0.1, "share": 0, "second": 1}}}
    assert {tuple(law["law"] for law in drawn) for drawn in draw(laws, second=1.0)} == {("gaussian", "impulse")}


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_gets_only_laws_that_suit_it(modality: str) -> None:
    everything = {"all": {name: {"level": law.examples[0]} for name, law in LAWS.items()}}
    drawn = {law["law"] for laws in draw(everything, modality) for law in laws}
    assert drawn == {name for name, law in LAWS.items() if modality in law.modalities}


def test_what_happens_in_the_scanner_comes_before_what_happens_to_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", replace(LAWS["gaussian"], name="low-dose"))
    laws = {
        "all": {"speckle": {"level": 0.1, "second": 0}},
        "ct": {"low-dose": {"level": 0.1, "share": 0, "second": 1}},
    }
    assert {tuple(law["law"] for law in drawn) for drawn in draw(laws, "ct", second=1.0)} == {("low-dose", "speckle")}


def test_an_image_off_its_detectors_scale_gets_only_laws_that_suit_all() -> None:
    laws = {"all": {"gaussian": {"level": 0.1}, "rician": {"level": 0.1}}, "ct": {"speckle": {"level": 0.1}}}
    assert {law["law"] for drawn in draw(laws, None) for law in drawn} == {"gaussian"}


def test_an_entry_of_a_modality_replaces_that_of_all() -> None:
    laws = {"all": {"gaussian": {"level": 0.1}}, "xray": {"gaussian": {"level": 0.2}}}
    assert {drawn[0]["level"] for drawn in draw(laws, "xr")} == {0.2}
    assert {drawn[0]["level"] for drawn in draw(laws, "ct")} == {0.1}


def test_parameters_are_drawn_among_those_given_and_recorded_with_the_defaults() -> None:
    laws = {"all": {"poisson": {"level": 1.0, "parameters": {"full_counts": [10.0, 90.0]}}}}
    counts = Counter(drawn[0]["full_counts"] for drawn in draw(laws))
    assert is_likely(counts[10.0], 2000, 0.5)
    assert counts[10.0] + counts[90.0] == 2000
    default = draw({"all": {"poisson": {"level": 1.0}}}, count=1)[0][0]
    assert default == {"law": "poisson", "level": 1.0, **LAWS["poisson"].parameters}


def test_drawn_parameters_reach_the_law(rng: Generator) -> None:
    laws = {"all": {"poisson": {"level": 0.5, "parameters": {"full_counts": 80.0}}}}
    drawn = NoiseDistribution(laws).draw("xr", np.random.RandomState(0))[0]
    noisy = drawn.add(torch.full((1, 1, 256, 256), 0.5), drawn.level, rng)
    assert noisy.var().item() == pytest.approx(0.5 / 40, rel=0.03)


def test_what_lies_below_zero_keeps_its_value_where_a_law_has_no_meaning_for_it(rng: Generator) -> None:
    drawn = NoiseDistribution({"mr": {"rician": {"level": 0.1}}}).draw("mr", np.random.RandomState(0))[0]
    noisy = drawn.add(torch.full((1, 1, 256, 256), -0.3), drawn.level, rng)
    assert noisy.mean().item() == pytest.approx(-0.3 + stats.rayleigh(scale=0.1).mean(), abs=1e-3)


@pytest.mark.parametrize(
    ("laws", "message"),
    [
        ({"all": {"pink": {"level": 0.1}}}, "laws must be among gaussian, .*got 'pink' for all"),
        ({"pet": {"gaussian": {"level": 0.1}}}, "modality must be one of ct, mr, xr, us, oct, got 'pet'"),
        ({"ct": {"rician": {"level": 0.1}}}, "rician must be for mr, got ct"),
        ({"all": {"gaussian": {"level": [0.1, 1.1]}}}, "level must be one number or two from 0 to 1, .*got .0.1, 1.1."),
        ({"all": {"gaussian": {"level": [0.2, 0.1]}}}, "lowest first, got .0.2, 0.1. in gaussian for all"),
        ({"all": {"gaussian": {"level": float("nan")}}}, "level must be one number or two from 0 to 1"),
        ({"all": {"gaussian": {}}}, "level must be one number .* got None"),
        ({"all": {"gaussian": {"level": "0.1"}}}, "level must be one number .* got 0.1 in"),
        ({"all": {"gaussian": {"level": 0.1, "share": -1}}}, "share must be at least 0, got -1"),
        ({"all": {"gaussian": {"level": 0.1, "spread": "cubic"}}}, "spread must be one of .* got 'cubic'"),
        ({"all": {"gaussian": {"level": [0, 1], "spread": "log"}}}, "level must be positive where its spread is log"),
        ({"all": {"gaussian": {"levels": 0.1}}}, "entries must have level, .* got 'levels' in gaussian for all"),
        (
            {"all": {"poisson": {"level": 1, "parameters": {"gain": 1}}}},
            "parameters must be among full_counts",
        ),
    ],
)
def test_a_distribution_that_cannot_be_drawn_from_is_refused(laws: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseDistribution(laws)


@pytest.mark.parametrize("name", ["clean", "second"])
def test_shares_of_images_outside_0_to_1_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be in \[0, 1\], got 1.5"):
        NoiseDistribution(GAUSSIAN, **{name: 1.5})


def test_a_modality_without_a_law_is_refused() -> None:
    with pytest.raises(ValueError, match="laws must hold one for us, got none"):
        draw({"mr": {"rician": {"level": 0.1}}})


@pytest.mark.parametrize("law", [name for name, law in LAWS.items() if law.magnitude])
def test_a_magnitude_is_taken_before_other_noise_is_added(law: str) -> None:
    laws = {"mr": {law: {"level": 0.1, "share": 0, "second": 1}, "gaussian": {"level": 0.1, "second": 0}}}
    assert {tuple(law["law"] for law in drawn) for drawn in draw(laws, "mr", second=1.0)} == {(law, "gaussian")}


def test_the_mean_of_noise_that_is_added_is_the_image(rng: Generator) -> None:
    images = torch.rand((2, 1, 8, 8), generator=rng)
    assert torch.equal(DrawnNoise("gaussian", 0.1).expect(images, 0.1, rng), images)


def test_the_mean_of_a_magnitude_puts_the_negative_part_back_as_its_noise_does() -> None:
    images = torch.full((1, 1, 300, 300), -0.2)
    drawn = DrawnNoise("nc-chi", 0.1, (("coils", 2), ("g_peak", 2.0)))
    noisy = drawn.add(images, 0.1, Generator().manual_seed(1))
    mean = drawn.expect(images, 0.1, Generator().manual_seed(1))
    assert float((noisy - mean).mean()) == pytest.approx(0, abs=1e-3)
