"""An earlier run, from which figures may be taken: new weights change ours alone, and peers take hours to measure.

An earlier run's results.json holds means and intervals of every cell. The noisy images' figures must be the same in
both runs, which proves that images, references and noise are.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_gan_denoise.benchmark.methods import INPUT, NOISY, Method
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.report.summary import Group
from monai_gan_denoise.benchmark.taken import Taken, TakenGroup
from monai_gan_denoise.metrics.scores import Score

__all__ = ["Earlier", "read_earlier"]

TOLERANCE = 1e-4  # relative, of the noisy images' figures: other libraries may change the last bits of a sum


@dataclass(frozen=True)
class Earlier:
    """An earlier run.

    Attributes:
        path: of its results.json.
        digest: SHA-256 of that file.
        version: of the package.
        protocol: its version, seed and crop.
        fingerprints: of its methods, by name.
        groups: its figures.
    """

    path: Path
    digest: str
    version: str
    protocol: Mapping[str, int]
    fingerprints: Mapping[str, str]
    groups: tuple[TakenGroup, ...]

    def others(self, measured: Collection[str]) -> list[str]:
        """Name its methods, except those that are measured now."""
        return [name for name in self.fingerprints if name not in (NOISY, *measured)]

    def require(self, protocol: Protocol, measured: Sequence[str], cells: Iterable[str]) -> None:
        """Refuse a run from which nothing can be taken, before anything is measured.

        Args:
            protocol: of the run that takes.
            measured: names of the methods that it measures.
            cells: names of its cells.

        Raises:
            ValueError: if version, seed or crop of the protocol differ, a cell is absent, or no method is left to take.
        """
        for name in ("version", "seed", "crop"):
            ours, theirs = getattr(protocol, name), self.protocol[name]
            if ours != theirs:
                cure = "Pass --protocol with its version" if name == "version" else "Measure all methods again"
                raise ValueError(
                    f"peers_from must have the protocol's {name} {ours}, got {theirs} in {self.path}. {cure}."
                )
        if absent := [cell for cell in cells if cell not in {one.cell for one in self.groups}]:
            raise ValueError(
                f"peers_from must hold every cell of this run, got none named {absent[0]} in {self.path}. "
                "Choose cells by --cells."
            )
        if not self.others(measured):
            raise ValueError(
                f"peers_from must hold methods besides those measured, got {list(self.fingerprints)} in {self.path}. "
                "Name those to measure by --methods."
            )

    def take(self, found: Sequence[Group], measured: Collection[str], today: Iterable[Method] = ()) -> Taken:
        """Take the figures of the methods that were not measured now.

        Args:
            found: all groups of the run that takes.
            measured: names of the methods that it measured.
            today: the others, as far as they could be measured today.

        Raises:
            ValueError: if the noisy images' figures differ, so that images, references or noise do.
        """
        for one in found:
            if one.method == NOISY:
                self._compare(one)
        cells, names = {one.cell for one in found}, self.others(measured)
        groups = tuple(one for one in self.groups if one.method in names and one.cell in cells)
        fingerprints = {name: self.fingerprints[name] for name in names}
        changed = (one.name for one in today if not one.absent and one.fingerprint != fingerprints[one.name])
        return Taken(groups, fingerprints, self.version, self.digest, tuple(changed))

    def _compare(self, noisy: Group) -> None:
        key = (noisy.cell, NOISY, INPUT, noisy.window)
        theirs = next((one for one in self.groups if (one.cell, one.method, one.mode, one.window) == key), None)
        figures = [_figures(one) for one in (noisy, theirs)]
        for name, now in figures[0].items():
            then = figures[1].get(name)
            if then is None or not math.isclose(now, then, rel_tol=TOLERANCE):
                place = noisy.cell if noisy.window is None else f"{noisy.cell}, window {noisy.window:g}"
                raise ValueError(
                    f"peers_from must be of the same images and noise as this run, whose noisy images have {name} "
                    f"{now:.6g} in {place}, got {then if then is None else f'{then:.6g}'} in {self.path}. "
                    "Measure all methods again."
                )


def read_earlier(path: Path) -> Earlier:
    """Read the results.json of an earlier run.

    Args:
        path: of the file.

    Raises:
        ValueError: if it cannot be read, or is none.
    """
    try:
        text = path.read_bytes()
        content = json.loads(text)
        groups = tuple(_group(entry) for entry in content["cells"])
        protocol = {name: int(content["protocol"][name]) for name in ("version", "seed", "crop")}
        fingerprints = {str(name): str(value) for name, value in content["methods"].items()}
        for one in groups:
            _figures(one)  # which shows that all are there
        return Earlier(path, hashlib.sha256(text).hexdigest(), content["version"], protocol, fingerprints, groups)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"peers_from must be a results.json of the benchmark, got {path}. Check the path.") from error


def _group(entry: Mapping[str, Any]) -> TakenGroup:
    cell = f"{entry['modality']}/{entry['law']}/{entry['level']}"
    return TakenGroup(cell, entry["method"], entry["mode"], entry["window"], (), (), entry["note"], entry)


def _figures(one: Group | None) -> dict[str, float]:
    if one is None:
        return {}
    return {"images": one.images, **({name: one.mean(name) for name in Score._fields} if one.images else {})}
