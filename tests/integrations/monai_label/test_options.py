"""What clients send back of what they were offered."""

from __future__ import annotations

from typing import Any

import pytest

from monai_gan_denoise.integrations.monai_label.options import MODALITIES, check_number, choose, modalities

OFFERED = {"modality": ["mr", "auto"], "strength": 1.0}


@pytest.mark.parametrize(
    ("request_", "chosen"),
    [
        ({}, {"modality": "mr", "strength": 1.0}),
        ({"modality": ["mr", "auto"], "image": "x"}, {"modality": "mr", "strength": 1.0}),
        ({"modality": "auto", "strength": "0.5"}, {"modality": "auto", "strength": "0.5"}),
    ],
    ids=["nothing", "the list as it was offered", "others"],
)
def test_what_is_not_chosen_is_the_default(request_: dict[str, Any], chosen: dict[str, Any]) -> None:
    assert choose(request_, OFFERED) == chosen


@pytest.mark.parametrize("modality", ["pet", None, []])
def test_what_was_not_offered_is_refused(modality: Any) -> None:
    with pytest.raises(ValueError, match=r"modality must be one of mr, auto, got .+\. Choose one of them\."):
        choose({"modality": modality}, OFFERED)


@pytest.mark.parametrize(("value", "number"), [("0.5", 0.5), (1, 1.0), (0, 0.0)])
def test_numbers_may_be_text(value: Any, number: float) -> None:
    assert check_number("strength", value, 0, 1) == number


@pytest.mark.parametrize("value", [-0.1, "1.1", "nan", "much", None, [1]])
def test_other_numbers_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"strength must be in \[0, 1\], got "):
        check_number("strength", value, 0, 1)


def test_the_default_modality_comes_first_and_all_are_offered() -> None:
    assert modalities("us")[0] == "us"
    assert sorted(modalities("us")) == sorted(MODALITIES)


def test_a_default_that_is_no_modality_is_refused() -> None:
    with pytest.raises(ValueError, match=r"modality must be one of auto, ct, .+, got 'pet'\. Correct --conf\."):
        modalities("pet")
