"""Content with little noise or none, beside the images of a dataset: dead leaves, photographs, native sizes."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_denoise.io.manifest import find_manifest, is_clean, read_manifest
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import NAMES

__all__ = ["LEAVES_KEY", "NATIVE_KEY", "PHOTOGRAPH_KEY", "list_dead_leaves", "list_native", "list_photographs"]

logger = logging.getLogger(__name__)

LEAVES_KEY = "dead_leaves"  # item with the seed from which RenderDeadLeavesd draws an image
PHOTOGRAPH_KEY = "photograph"  # item with the seed by which PhotographContentd shows a photograph
NATIVE_KEY = "native"  # item that AreaMeand leaves at its own size
NATURAL, TRAINING = "natural", "train"  # what a manifest calls photographs, and the split that may be trained on


def list_dead_leaves(counts: Mapping[str, int], present: Collection[str]) -> list[dict[str, Any]]:
    """List images that are drawn, no files: a seed and a modality each.

    Args:
        counts: how many, for each modality.
        present: modalities that the dataset has; of others none are listed.

    Returns:
        Items with ``dead_leaves``, the seed, and ``modality``.

    Raises:
        InputError: if a modality is unknown or a count negative.
    """
    for name, count in counts.items():
        if name not in NAMES or count < 0:
            raise InputError(
                f"dead_leaves must be counts from 0 on for ct, mr, xr, us, oct, got {name}: {count}. Correct it."
            )
    return [
        {LEAVES_KEY: seed, "modality": NAMES[name]}
        for name, count in counts.items()
        if NAMES[name] in present
        for seed in range(count)
    ]


def list_photographs(content_dir: str | Path, present: Collection[str]) -> list[dict[str, Any]]:
    """List photographs once for each modality: the rows of a manifest whose modality is natural and split train.

    Args:
        content_dir: a folder with a manifest, or the manifest. Where it is absent no photograph is listed, which the
            log tells.
        present: modalities that the dataset has.

    Returns:
        Items with ``label`` (a path), ``modality`` and ``photograph``, a seed.

    Raises:
        InputError: if the manifest cannot be used or names a file that is absent.
    """
    manifest = find_manifest(Path(content_dir))
    if manifest is None:
        logger.info("No photographs are added: %s has no manifest.", content_dir)
        return []
    rows = [row for row in read_manifest(manifest) if row["modality"] == NATURAL and row.get("split") == TRAINING]
    files = [manifest.parent / row["file"] for row in rows if is_clean(row)]
    for file in files:
        if not file.is_file():
            raise InputError(f"file must exist, got {file} in {manifest}. Correct its row or remove it.")
    return [
        {"label": str(file), "modality": name, PHOTOGRAPH_KEY: seed}
        for name in sorted(present)
        for seed, file in enumerate(files)
    ]


def list_native(datalist: Sequence[Mapping[str, Any]], modalities: Collection[str]) -> list[dict[str, Any]]:
    """List images of some modalities once more, to be trained on at their own size too; pairs always are.

    Args:
        datalist: images with their ``modality``.
        modalities: which are listed.

    Returns:
        Copies of the items, with ``native`` true.

    Raises:
        InputError: if a modality is unknown.
    """
    for name in modalities:
        if name not in NAMES:
            raise InputError(f"native must name some of ct, mr, xr, us, oct, got {name!r}. Correct it.")
    chosen = {NAMES[name] for name in modalities}
    return [{**item, NATIVE_KEY: True} for item in datalist if item["modality"] in chosen and "image" not in item]
