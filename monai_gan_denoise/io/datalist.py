"""Datalists for training: what a folder with a manifest.csv holds, split by split, modality by modality."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from monai_gan_denoise.io.scan import InputError

__all__ = ["MANIFEST", "balance", "load_datalist", "read_manifest"]

MANIFEST = "manifest.csv"
SEALED_SPLITS = ("test", "real_test")


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """Read ``folder/manifest.csv``, a row a file, with at least the columns ``file`` and ``modality``.

    Raises:
        InputError: if the manifest is absent, unreadable or lacks a column.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"dataset_dir must hold a {MANIFEST}, got none in {folder}. Pass a folder with a manifest.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets begin theirs with a mark
            rows = list(csv.DictReader(stream, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{MANIFEST} must be CSV text in UTF-8, got {error} in {path}. Repair it.") from error
    for column in ("file", "modality"):
        if rows and column not in rows[0]:
            raise InputError(f"columns must include {column}, got {', '.join(rows[0])} in {path}. Add the column.")
    return rows


def load_datalist(dataset_dir: str | Path, split: str) -> list[dict[str, str]]:
    """List the clean images of one split.

    Args:
        dataset_dir: folder with a manifest.csv that has the columns file, modality, split and kind.
        split: ``train`` or ``val``; ``test`` and ``real_test`` are for measuring and are refused.

    Returns:
        A dictionary an image: ``label`` (its path) and ``modality``.

    Raises:
        InputError: if the split is sealed or empty, or the manifest cannot be used.
    """
    if split in SEALED_SPLITS:
        raise InputError(
            f"split must be train or val, got {split!r}. The test images are never trained or selected on."
        )
    folder = Path(dataset_dir)
    rows = [row for row in read_manifest(folder) if row.get("split") == split and row.get("kind", "clean") == "clean"]
    if not rows:
        raise InputError(
            f"split must name rows of the manifest, got {split!r} in {folder / MANIFEST}. Check the column."
        )
    return [{"label": str(folder / row["file"]), "modality": row["modality"]} for row in rows]


def balance(datalist: Sequence[Mapping[str, str]], emphasis: Mapping[str, float] | None = None) -> list[float]:
    """Weigh every image so that each modality is drawn as often as any other, for WeightedRandomSampler.

    Args:
        datalist: images with their ``modality``.
        emphasis: modalities to draw more often, and how many times as often.
    """
    count = Counter(item["modality"] for item in datalist)
    factors = emphasis or {}
    return [factors.get(item["modality"], 1.0) / count[item["modality"]] for item in datalist]
