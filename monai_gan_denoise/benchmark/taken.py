"""Figures that an earlier run measured, beside those of this one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monai_gan_denoise.benchmark.report.summary import Group

__all__ = ["NOTHING_TAKEN", "Taken", "TakenGroup"]


@dataclass(frozen=True)
class TakenGroup(Group):
    """A group of an earlier run, of which the figures over all images remain and none of a single image.

    Attributes:
        entry: its entry in that run's results.json.
    """

    entry: Mapping[str, Any]

    @property
    def images(self) -> int:
        """How many images have a score."""
        return int(self.entry["images"])

    def mean(self, measure: str) -> float:
        """Give a measure's mean; infinite if two images are equal, for which JSON has no word."""
        found = self.entry[measure]["mean"]
        return math.inf if found is None else float(found)

    def describe(self, measure: str) -> dict[str, float | list[float] | None]:
        """Give a measure's mean, spread and confidence interval."""
        return dict(self.entry[measure])


@dataclass(frozen=True)
class Taken:
    """What a run takes from an earlier one.

    Attributes:
        groups: of the methods that were not measured again, in the cells that were.
        fingerprints: of those methods in the earlier run, by name.
        version: of the package, in the earlier run.
        digest: SHA-256 of its results.json.
        changed: methods whose code, weights or library are others today.
    """

    groups: tuple[TakenGroup, ...] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    digest: str = ""
    changed: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Whose figures were taken; empty if nobody's."""
        if not self.fingerprints:
            return ""
        words = (
            f"Figures of {', '.join(self.fingerprints)} were taken from an earlier run on the same images and noise "
            f"(monai-gan-denoise {self.version}, results.json of SHA-256 {self.digest[:12]}), without the examples and "
            "without what PSNR hides, which the other methods alone have."
        )
        changed = f" Changed since then: {', '.join(self.changed)}." if self.changed else ""
        return words + changed


NOTHING_TAKEN = Taken()
