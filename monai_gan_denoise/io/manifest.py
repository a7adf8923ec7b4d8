"""Manifests: a table beside images that says of each file what it shows."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_denoise.scans.errors import InputError

__all__ = ["MANIFEST", "MANIFESTS", "find_manifest", "is_clean", "match_pairs", "read_manifest"]

Row = Mapping[str, Any]
MANIFEST = "manifest.csv"
MANIFESTS = (MANIFEST, "manifest.json")
REQUIRED = ("file", "modality")


def find_manifest(source: Path) -> Path | None:
    """Find the manifest: ``source`` if that is a file, else manifest.csv or manifest.json in it; None if absent."""
    if source.is_file():
        return source
    return next((source / name for name in MANIFESTS if (source / name).is_file()), None)


def read_manifest(source: Path) -> list[dict[str, str]]:
    """Read a manifest, a row a file, with at least the columns ``file`` and ``modality``.

    A JSON manifest is a list of objects whose keys are the columns. Modalities may be written in capitals.

    Args:
        source: the manifest, or the folder that holds it as manifest.csv or manifest.json.

    Raises:
        InputError: if the manifest is absent, unreadable or lacks a column.
    """
    path = find_manifest(source)
    if path is None:
        raise InputError(f"dataset_dir must hold a {MANIFEST}, got none in {source}. Pass a folder with a manifest.")
    rows = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    for row in rows:
        absent = [column for column in REQUIRED if column not in row]
        if absent:
            raise InputError(f"columns must include {absent[0]}, got {', '.join(row)} in {path}. Add the column.")
    return [{**row, "modality": row["modality"].strip().lower()} for row in rows]


def is_clean(row: Row) -> bool:
    """Tell whether a row is of a clean image, or the clean side of a pair; without a kind it is."""
    return str(row.get("kind") or "clean").endswith("clean")


def match_pairs(rows: Sequence[Row], source: Path) -> list[tuple[Row, Row]]:
    """Match the two sides of pairs by ``pair``.

    Args:
        rows: of pairs.
        source: what messages call the manifest.

    Returns:
        The clean and the noisy side of each pair.

    Raises:
        InputError: if a pair lacks a side.
    """
    pairs: dict[str, dict[bool, Row]] = {}
    for row in rows:
        pairs.setdefault(row["pair"], {})[is_clean(row)] = row
    for name, sides in pairs.items():
        if len(sides) < 2:
            raise InputError(f"pair must have a noisy and a clean side, got one of {name} in {source}. Add the other.")
    return [(sides[True], sides[False]) for sides in pairs.values()]


def _csv_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets begin theirs with a mark
            return list(csv.DictReader(stream, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} must be CSV text in UTF-8, got {error} in {path}. Repair it.") from error


def _json_rows(path: Path) -> list[dict[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} must be JSON text in UTF-8, got {error} in {path}. Repair it.") from error
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(
            f"{path.name} must be a list of objects, got {type(content).__name__} in {path}. Write an object a file."
        )
    nested = next((value for row in content for value in row.values() if isinstance(value, list | dict)), None)
    if nested is not None:
        raise InputError(
            f"values must be text or numbers, got {nested} in {path}. Of a series name the folder that holds it alone."
        )
    return [{column: "" if value is None else str(value) for column, value in row.items()} for row in content]
