"""Foreign laws stay foreign: nothing that trains knows them, and they know nothing of the laws that train."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from monai_gan_denoise.benchmark.foreign import FOREIGN
from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.transforms.noise import LAWS

PACKAGE = Path(__file__).parents[3] / "monai_gan_denoise"
TRAINING = ("transforms", "engines", "training.py", "networks", "losses", "metrics", "io", "simulation", "ablation")


def sources(*parts: str) -> list[Path]:
    return [
        path
        for part in parts
        for path in ([PACKAGE / part] if part.endswith(".py") else (PACKAGE / part).rglob("*.py"))
    ]


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def words(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield name
            yield from words(value)
    elif isinstance(content, list):
        for value in content:
            yield from words(value)
    elif isinstance(content, str):
        yield content


@pytest.mark.parametrize("source", sources(*TRAINING), ids=lambda source: str(source.relative_to(PACKAGE)))
def test_nothing_that_trains_imports_the_foreign_laws(source: Path) -> None:
    assert not [name for name in imported(source) if name.startswith("monai_gan_denoise.benchmark")]


def test_no_configuration_of_training_names_a_foreign_law_or_the_benchmark(bundle_root: Path) -> None:
    configs = sorted((bundle_root / "configs").glob("*.json"))
    for path in configs:
        found = list(words(json.loads(path.read_text())))
        assert not [word for word in found if "foreign" in word or "monai_gan_denoise.benchmark" in word], path
    for path in (PACKAGE.parent / "configs").glob("*.yaml"):
        assert "foreign" not in path.read_text(), path
    assert len(configs) > 3


def test_the_laws_that_train_have_other_names() -> None:
    assert not FOREIGN.keys() & LAWS.keys()
    assert all(name.startswith("foreign-") for name in FOREIGN)


def test_foreign_laws_are_built_on_no_law_that_trains() -> None:
    allowed = {"monai_gan_denoise.transforms.noise.Law", "monai_gan_denoise.transforms.noise.check_hounsfield"}
    for source in sources("benchmark/foreign"):
        own = {name for name in imported(source) if name.startswith("monai_gan_denoise")}
        assert {name for name in own if ".benchmark.foreign" not in name} <= allowed


def test_every_modality_has_foreign_laws_of_its_own_and_those_of_all() -> None:
    for modality in MODALITIES:
        assert sum(modality in law.modalities for law in FOREIGN.values()) >= 4


@pytest.mark.parametrize(
    "law", [law for law in FOREIGN.values() if law.name != "foreign-radon"], ids=lambda law: law.name
)
def test_same_seed_same_bits_and_the_image_stays(law: Any) -> None:
    image = torch.linspace(0, 1, 32 * 32).reshape(1, 32, 32)
    before = image.clone()
    first, second, third = (law(image, law.examples[1], Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(image, before)
    assert first.shape == image.shape
