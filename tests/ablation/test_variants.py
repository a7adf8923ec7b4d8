"""Claims about the table of variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from PIL import Image

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


def laws(parser: ConfigParser, section: str, modality: str = "mr") -> set[str]:
    distribution: Any = parser.get_parsed_content(f"{section}#noise").distribution
    random = np.random.RandomState(0)
    return {drawn.law for _ in range(2000) for drawn in distribution.draw(modality, random)}


def test_white_trains_on_gaussian_noise_and_is_measured_by_that_of_the_recipe(bundle_root: Path) -> None:
    white, recipe = (parser_of(bundle_root, ALL[name]) for name in ("white", RECIPE))
    assert laws(white, "train") == {"gaussian"}
    assert laws(white, "validate") == laws(recipe, "validate") > {"gaussian", "rician"}
    assert ALL["white"].against == "simulated"


FOREIGN = {"colored", "upsampled", "zero-filled", "us-looks", "looks-linear"}


@pytest.mark.parametrize("modality", ["ct", "mr", "us", "oct", "xr"])
def test_own_laws_are_those_of_the_recipe_but_the_foreign_ones(bundle_root: Path, modality: str) -> None:
    own, recipe = (parser_of(bundle_root, ALL[name]) for name in ("own-laws", RECIPE))
    drawn = laws(recipe, "train", modality)
    assert drawn & FOREIGN
    assert laws(own, "train", modality) == drawn - FOREIGN
    assert laws(own, "validate", modality) == drawn


def test_native_targets_are_at_their_own_size_in_training_alone(bundle_root: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        Image.fromarray(np.full((256, 260), 90, np.uint8) + np.arange(260, dtype=np.uint8) // 4).save(
            tmp_path / f"{split}.png"
        )
    (tmp_path / "manifest.csv").write_text("file,modality,split\ntrain.png,us,train\nval.png,us,val\n")
    sizes: dict[str, list[torch.Size]] = {}
    for name in ("native-targets", RECIPE):
        parser = parser_of(bundle_root, ALL[name])
        parser.update({"dataset_dir": tmp_path, "dead_leaves": {}, "content_dir": ""})
        for section in ("train", "validate"):
            items = parser.get_parsed_content(f"{section}#dataset#data")
            transform = Compose(parser.get_parsed_content("train#deterministic_transforms"))
            sizes[f"{name} {section}"] = [transform(item)["label"].shape[-2:] for item in items]
    assert sizes == {
        "native-targets train": [(256, 260)],
        "native-targets validate": [(128, 130)],
        "recipe train": [(128, 130), (256, 260)],
        "recipe validate": [(128, 130)],
    }


def test_native_targets_have_no_content_beside_them(bundle_root: Path, dataset_dir: Path) -> None:
    parser = parser_of(bundle_root, ALL["native-targets"])
    parser.update({"dataset_dir": dataset_dir})
    items = parser.get_parsed_content("train#dataset#data")
    assert len(items) == 3
    assert not [item for item in items if "dead_leaves" in item or "photograph" in item]


@pytest.mark.parametrize("name", ["native-targets", "files-noise"])
def test_noise_of_files_stays_in_the_targets_of_training_alone(name: str, bundle_root: Path) -> None:
    kept, recipe = (parser_of(bundle_root, ALL[variant]) for variant in (name, RECIPE))
    assert kept.get_parsed_content("train#noise").removed == {}
    shares = recipe.get_parsed_content("train#noise").removed
    assert all(0 < high <= 1 for _, high in shares.values())
    assert len(shares) == 5
    assert kept.get_parsed_content("validate#noise").removed == recipe.get_parsed_content("validate#noise").removed


def test_truth_is_the_target_in_training_alone(bundle_root: Path) -> None:
    truth, recipe = (parser_of(bundle_root, ALL[name]) for name in ("truth-target", RECIPE))
    assert [truth.get_parsed_content(f"{section}#noise").expect for section in ("train", "validate")] == [False, True]
    assert recipe.get_parsed_content("train#noise").expect


def test_untold_is_told_nothing(bundle_root: Path) -> None:
    untold, recipe = (parser_of(bundle_root, ALL[name]) for name in ("untold", RECIPE))
    assert untold.get_parsed_content("train#trainer#tell_level") is None
    assert recipe.get_parsed_content("train#trainer#tell_level").share > 0


def test_whole_levels_are_told_without_parts(bundle_root: Path) -> None:
    whole, recipe = (parser_of(bundle_root, ALL[name]) for name in ("whole-levels", RECIPE))
    assert whole.get_parsed_content("train#trainer#tell_level").partial == 0
    assert recipe.get_parsed_content("train#trainer#tell_level").partial > 0


def test_without_neighbors_no_image_has_some(bundle_root: Path) -> None:
    alone, recipe = (parser_of(bundle_root, ALL[name]) for name in ("no-neighbors", RECIPE))
    batch = {"label": torch.rand(12, 1, 16, 16), "modality": ["us"] * 12}
    for parser, some in ((alone, False), (recipe, True)):
        slices = parser.get_parsed_content("train#noise")(batch)[0]
        assert slices.shape == (12, 5, 16, 16)
        assert bool(slices[:, [0, 1, 3, 4]].any()) is some


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
