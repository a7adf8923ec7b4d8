"""The results as files for programs: results, measures, structure and times as CSV, and results.json."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from monai_gan_denoise import __version__
from monai_gan_denoise.benchmark.peers import PEERS
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.summary import Group, groups, overall
from monai_gan_denoise.benchmark.structure import Finding
from monai_gan_denoise.benchmark.taken import NOTHING_TAKEN, Taken
from monai_gan_denoise.benchmark.timing import Timing
from monai_gan_denoise.io import whole_file
from monai_gan_denoise.metrics.scores import Score

__all__ = ["write_csv", "write_measures", "write_structure", "write_tables", "write_times"]

RESULTS = ("modality", "law", "level", "method", "mode", "image", *Score._fields, "range", "note")
TIMES = tuple(field.name for field in fields(Timing))
MEASURES = ("modality", "law", "level", "method", "mode", "image", "measure", "value")
DIGITS = 8  # significant ones; more would only show the last bits of a sum


def write_tables(
    folder: Path,
    records: Sequence[Record],
    protocol: Protocol,
    skipped: Sequence[str],
    fingerprints: Mapping[str, str],
    taken: Taken = NOTHING_TAKEN,
) -> None:
    """Write what the run measured.

    * ``results.csv``: a row an image, method, mode and range; ``mse`` and ``rmse`` in units of the range. ``note`` says
      why a row has no figures.
    * ``results.json``: means, spreads and confidence intervals of every cell, the means over cells, and of what.

    Args:
        folder: which exists.
        records: of the run.
        protocol: of the run.
        skipped: modalities and cells without images.
        fingerprints: of the methods by name; of a network, that of its weights' file and that of our code.
        taken: figures of methods that an earlier run measured; results.json alone holds them.
    """
    write_csv(folder / "results.csv", RESULTS, map(_row, records))
    found = groups(records, taken.groups)
    content = {
        "version": __version__,
        "protocol": {"version": protocol.version, "seed": protocol.seed, "crop": protocol.crop},
        "libraries": _libraries(),
        "methods": {**fingerprints, **taken.fingerprints},
        **_origin(taken),
        "skipped": list(skipped),
        "overall": [{**asdict(one), "score": one.score._asdict()} for one in overall(found)],
        "cells": [_cell(one) for one in found],
    }
    text = json.dumps(_plain(content), allow_nan=False)
    with whole_file(folder / "results.json") as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def write_times(folder: Path, timings: Sequence[Timing]) -> None:
    """Write ``times.csv``: a row a method, of the serial pass; what its columns mean is said in ``Timing``.

    Args:
        folder: which exists.
        timings: of the methods.
    """
    write_csv(folder / "times.csv", TIMES, map(_costs, timings))


def _costs(timing: Timing) -> list[str]:
    return [
        "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in astuple(timing)
    ]


def _row(record: Record) -> list[str]:
    names = [record.modality, record.law, record.level, record.method, record.mode, record.image]
    if record.output is None:
        return [*names, *[""] * (len(Score._fields) + 1), record.note]
    return [*names, *(f"{value:.{DIGITS}g}" for value in (*record.output.score, record.output.range)), record.note]


def _cell(one: Group) -> dict[str, Any]:
    modality, law, level = one.cell.split("/")
    names = {"modality": modality, "law": law, "level": level, "method": one.method, "mode": one.mode}
    measures = {measure: one.describe(measure) for measure in Score._fields} if one.images else {}
    return {**names, "window": one.window, "images": one.images, "note": one.note, **measures}


def _origin(taken: Taken) -> dict[str, Any]:
    if not taken.fingerprints:
        return {}
    source = {"version": taken.version, "sha256": taken.digest}
    return {"taken": {"methods": list(taken.fingerprints), "changed": list(taken.changed), "from": source}}


def _libraries() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for package in dict.fromkeys(["torch", "monai", "numpy", *(peer.package for peer in PEERS.values())]):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def _plain(content: Any) -> Any:
    """Round, and put None where JSON has no word for infinity."""
    if isinstance(content, dict):
        return {name: _plain(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    if isinstance(content, float):
        return None if math.isinf(content) else float(f"{content:.{DIGITS}g}")
    return content


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, whole or not at all."""
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_measures(path: Path, records: Sequence[Record]) -> None:
    """Write a row an image, method, mode and measure, in the order of results.csv."""
    write_csv(path, MEASURES, (row for record in records for row in _measures(record)))


def write_structure(path: Path, findings: Sequence[Finding]) -> None:
    """Write structure.csv."""
    write_csv(path, Finding._fields, ((*names, f"{value:.{DIGITS}g}") for *names, value in findings))


def _measures(record: Record) -> Iterator[list[str]]:
    names = (record.modality, record.law, record.level, record.method, record.mode, record.image)
    for name, value in (record.output.measures if record.output else {}).items():
        yield [*names, name, f"{value:.{DIGITS}g}"]
