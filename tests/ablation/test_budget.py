"""Claims about short runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from monai_gan_denoise.ablation.budget import shorten


@pytest.fixture
def recipe(bundle_root: Path) -> Path:
    return bundle_root / "configs" / "train.json"


def parsed(recipe: Path) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(recipe)
    return parser


def test_the_recipes_own_length_changes_nothing_but_the_validation(recipe: Path) -> None:
    parser = parsed(recipe)
    short = shorten(recipe, parser.get_parsed_content("iterations"))
    epochs = short.pop("val_interval")
    assert epochs * parser.get_parsed_content("epoch_length") == parser.get_parsed_content("iterations")
    assert short == pytest.approx({name: parser.get_parsed_content(name) for name in short})


@pytest.mark.parametrize("iterations", [300, 2000])
def test_a_short_run_turns_in_proportion_and_forgets_its_first_weights(recipe: Path, iterations: int) -> None:
    parser, short = parsed(recipe), shorten(recipe, iterations)
    long = parser.get_parsed_content("iterations")
    for name in ("decay_from", "adversarial_from"):
        assert short[name] / iterations == pytest.approx(parser.get_parsed_content(name) / long, abs=1 / iterations)
    kept = (1 - short["ema_momentum"]) ** iterations
    assert kept == pytest.approx(0, abs=1e-6)
    assert short["epoch_length"] * short["val_interval"] <= iterations


def test_too_few_iterations_are_refused(recipe: Path) -> None:
    assert shorten(recipe, 10)["warmup"] == 1
    with pytest.raises(ValueError, match=r"--iterations must be enough for the schedule, got 2. Pass 10 or more"):
        shorten(recipe, 2)
