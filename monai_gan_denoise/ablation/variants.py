"""The variants of the recipe, as data: each is a few entries of train.json that differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_gan_denoise.io import packaged_presets

__all__ = ["RECIPE", "Variant", "choose_variants"]

FILE = Path(__file__).with_name("variants.json")
RECIPE = "recipe"


@dataclass(frozen=True, eq=False)
class Variant:
    """The recipe with something changed.

    Attributes:
        name: of the variant.
        meaning: a phrase.
        against: the variant that it is compared with.
        weights: the variant whose weights are measured in another way; if empty, it trains its own.
        preset: name of a packaged preset that is laid over the recipe.
        changes: entries of train.json, laid over that.
    """

    name: str
    meaning: str
    against: str = RECIPE
    weights: str = ""
    preset: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    def overlay(self) -> dict[str, Any]:
        """Give the entries that differ from the recipe, those of the preset included."""
        preset = ConfigParser.load_config_file(packaged_presets() / f"{self.preset}.yaml") if self.preset else {}
        return {**preset, **self.changes}


@cache
def _table() -> dict[str, Variant]:
    return {entry["name"]: Variant(**entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))}


def choose_variants(names: Sequence[str] = ()) -> list[Variant]:
    """List variants in the order of the table, with those whose weights they take and whom they are compared with.

    Args:
        names: of variants; none for all.

    Raises:
        ValueError: if a name is of no variant.
    """
    known = _table()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"--only must be among {', '.join(known)}, got {unknown[0]!r}. Check the name.")
    chosen = set(names or known)
    while (
        needed := {other for name in chosen for other in (known[name].against, known[name].weights) if other} - chosen
    ):
        chosen |= needed
    return [variant for name, variant in known.items() if name in chosen]
