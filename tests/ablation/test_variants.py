"""Claims about the table of variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monai.bundle import ConfigParser

from monai_gan_denoise.ablation.variants import RECIPE, Variant, choose_variants

ALL = {variant.name: variant for variant in choose_variants()}


def parser_of(bundle_root: Path, variant: Variant) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(bundle_root / "configs" / "train.json")
    parser.update({"device": "cpu", **variant.overlay()})
    return parser


def test_every_term_of_the_loss_is_left_out_by_one_variant(bundle_root: Path) -> None:
    recipe = json.loads((bundle_root / "configs" / "train.json").read_text(encoding="utf-8"))
    left_out = [key for variant in ALL.values() for key, value in variant.changes.items() if "#weights#" in key]
    assert sorted(left_out) == sorted(f"train#loss#weights#{name}" for name in recipe["train"]["loss"]["weights"])
    for variant in ALL.values():
        if any("#weights#" in key for key in variant.changes):
            kept = parser_of(bundle_root, variant).get_parsed_content("train#loss#weights")
            assert sum(weight == 0 for weight in kept.values()) == len(variant.changes) == 1


@pytest.mark.parametrize("variant", ALL.values(), ids=lambda variant: variant.name)
def test_every_variant_changes_entries_that_there_are(bundle_root: Path, variant: Variant) -> None:
    recipe = parser_of(bundle_root, ALL[RECIPE])
    for key in variant.overlay():
        assert key in recipe, key
    assert (variant.name == RECIPE) == (not variant.overlay())


def laws(parser: ConfigParser, section: str) -> set[str]:
    distribution: Any = parser.get_parsed_content(f"{section}#noise").distribution
    random = np.random.RandomState(0)
    return {drawn.law for _ in range(300) for drawn in distribution.draw("mr", random)}


def test_white_trains_on_gaussian_noise_and_is_measured_by_that_of_the_recipe(bundle_root: Path) -> None:
    white, recipe = (parser_of(bundle_root, ALL[name]) for name in ("white", RECIPE))
    assert laws(white, "train") == {"gaussian"}
    assert laws(white, "validate") == laws(recipe, "validate") > {"gaussian", "rician"}
    assert ALL["white"].against == "simulated"


def test_without_an_adversary_there_is_none(bundle_root: Path) -> None:
    assert parser_of(bundle_root, ALL["no-adversary"]).get_parsed_content("train#adversary") is None


def test_a_variant_brings_those_that_it_needs_along() -> None:
    assert [variant.name for variant in choose_variants(["white"])] == [RECIPE, "simulated", "white"]
    assert [variant.name for variant in choose_variants(["no-refinement"])] == [RECIPE, "no-refinement"]


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match=r"--only must be among recipe, noisy, .*got 'no-gan'"):
        choose_variants(["recipe", "no-gan"])


def test_the_page_names_every_variant(bundle_root: Path) -> None:
    page = (bundle_root / "docs" / "ablation.md").read_text(encoding="utf-8")
    assert not [name for name in ALL if f"`{name}`" not in page]
