"""Which images training never sees, so that it can be judged by them: chosen by patient, the same ones every time."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["hold_out"]

HELD_OUT = 0.1  # of the patients of each modality


def hold_out(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Choose a tenth of the patients of each modality, at least one where there are two.

    The choice hangs on names alone, not on their order. A patient with images of several modalities is chosen, or not,
    with all of them.

    Args:
        rows: images with ``name``, ``modality``, and ``patient``, ``source`` and ``pair`` where they are known; the
            sides of a pair are of one patient, and without patient a pair or an image stands for itself.

    Returns:
        For each image whether it is held out.
    """
    paired = {row["pair"]: _owner(row) for row in rows if row.get("pair") and row.get("patient")}
    owners = [paired.get(row.get("pair") or "") or _owner(row) for row in rows]
    modality_of: dict[str, str] = {}
    for owner, row in zip(owners, rows, strict=True):
        modality_of[owner] = min(row["modality"], modality_of.get(owner, row["modality"]))
    grouped: dict[str, list[str]] = defaultdict(list)
    for owner, modality in modality_of.items():
        grouped[modality].append(owner)
    held: set[str] = set()
    for group in grouped.values():
        count = math.ceil(HELD_OUT * len(group)) if len(group) > 1 else 0
        held.update(sorted(group, key=_digest)[:count])
    return [owner in held for owner in owners]


def _owner(row: Mapping[str, Any]) -> str:
    if row.get("patient"):
        return f"patient {row.get('source', '')} {row['patient']}"
    return f"pair {row['pair']}" if row.get("pair") else f"file {row['name']}"


def _digest(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()
