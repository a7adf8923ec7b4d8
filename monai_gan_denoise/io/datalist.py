"""Datalists for training: what a folder or a manifest holds, split by patient, weighed by modality."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_denoise.io.content import (
    LEAVES_KEY,
    NATIVE_KEY,
    PHOTOGRAPH_KEY,
    list_dead_leaves,
    list_native,
    list_photographs,
)
from monai_gan_denoise.io.discovery import find_images
from monai_gan_denoise.io.folder import read_folder
from monai_gan_denoise.io.formats import format_of
from monai_gan_denoise.io.holdout import hold_out
from monai_gan_denoise.io.manifest import find_manifest, match_pairs, read_manifest
from monai_gan_denoise.io.sharpness import SHARP_KEY
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import NAMES

__all__ = ["balance", "load_datalist", "load_training_datalist"]

SEALED_SPLITS = ("test", "real_test")
TRAINING, SELECTION = "train", "val"
MEASURED = "real_train"  # pairs of one scene, whose noise is the scanner's own
# What emphasis calls kinds of images within a modality, and the item by which each is known.
KINDS = {
    "pair": "image",
    "sharp": SHARP_KEY,
    "native": NATIVE_KEY,
    "leaves": LEAVES_KEY,
    "photograph": PHOTOGRAPH_KEY,
}


def load_datalist(
    dataset_dir: str | Path, split: str, modality: str = "auto", required: bool = True
) -> list[dict[str, Any]]:
    """List the clean images of one split, and its pairs of a noisy and a clean image.

    A manifest's ``split`` decides, if it has that column. Otherwise every tenth patient of each modality is held out as
    "val", or every tenth image where patients are not named; the same ones every time.

    Args:
        dataset_dir: a manifest in CSV or JSON; a folder that holds one as manifest.csv or manifest.json, with the
            columns file, modality, and as far as known split, kind, pair, source, patient; or any folder of images. A
            file may be the folder of one DICOM series.
        split: ``train``, ``val`` or another split of the manifest, such as ``real_train``; ``test`` and ``real_test``
            are for measuring and are refused.
        modality: what images of a folder without manifest are if neither header nor subfolder says; "auto" to refuse
            those.
        required: refuse a split without images, instead of listing none.

    Returns:
        A dictionary an image: ``label`` (the clean image's path, or those of a series), ``modality``, and for a pair
        ``image`` (the noisy one's path).

    Raises:
        InputError: if the split is sealed, or empty though required, a patient is in training (``train``,
            ``real_train``) and in another split, a file is in two or is absent, a pair lacks a side, a modality is
            unknown, or manifest or folder cannot be used.
    """
    if split.lower() in SEALED_SPLITS:
        raise InputError(
            f"split must be train or val, got {split!r}. The test images are never trained or selected on."
        )
    source = Path(dataset_dir)
    return _chosen(_rows(source, modality), split, source, required)


def load_training_datalist(
    dataset_dir: str | Path,
    modality: str = "auto",
    dead_leaves: Mapping[str, int] | None = None,
    content_dir: str | Path | None = None,
    native: Collection[str] = (),
) -> list[dict[str, Any]]:
    """List what is trained on: all of the split ``train``, then the pairs of ``real_train`` if a manifest has some.

    Content with little noise is added if it is asked for, of the modalities that the dataset has: who trains on CT gets
    leaves and photographs in HU alone. Example::

        load_training_datalist("my_ct", "ct", dead_leaves={"ct": 260, "mr": 120})  # the CT, and 260 images to be drawn

    Args:
        dataset_dir: as of ``load_datalist``.
        modality: as of ``load_datalist``.
        dead_leaves: how many images are to be drawn for each modality, by ``RenderDeadLeavesd``.
        content_dir: a folder with a manifest whose photographs (modality ``natural``, split ``train``) are listed once
            for each modality, for ``PhotographContentd``; nothing is added where there is no such folder.
        native: modalities whose images are listed once more, to stay at their own size in ``AreaMeand``.

    Returns:
        Items as of ``load_datalist``; those with an ``image`` bring their noise and need none simulated. Added ones
        have ``native``, ``dead_leaves`` (and no ``label``) or ``photograph``.

    Raises:
        InputError: as of ``load_datalist``; pairs alone, without a split ``train``, are refused; as are an unknown
            modality or a negative count of what is added, and a photograph that is absent.
    """
    source = Path(dataset_dir)
    rows = _rows(source, modality)
    pairs = [row for row in rows if row.get("split") == MEASURED and row.get("pair")]
    items = _chosen(rows, TRAINING, source) + _items(pairs, source)
    present = {item["modality"] for item in items}
    added = list_native(items, native) + list_dead_leaves(dead_leaves or {}, present)
    return items + added + (list_photographs(content_dir, present) if content_dir else [])


def balance(datalist: Sequence[Mapping[str, Any]], emphasis: Mapping[str, float] | None = None) -> list[float]:
    """Weigh every image so that each modality is drawn as often as any other, for WeightedRandomSampler.

    Args:
        datalist: images with their ``modality``; pairs have an ``image`` too, CT of sharp kernels ``sharp``, images at
            their own size beside their area means ``native``, drawn ones ``dead_leaves``, photographs ``photograph``.
        emphasis: modalities to draw more often, and how many times as often. Under "pair", "sharp", "native", "leaves"
            and "photograph", how many times as often such an image is drawn as another of its modality, at the cost of
            these: the modality is not drawn more often. What is two of them gets both factors. 0 leaves them out.
    """
    factors = emphasis or {}
    shares = [math.prod(factors.get(kind, 1.0) for kind in _kinds(item)) for item in datalist]
    total: dict[str, float] = defaultdict(float)
    for item, share in zip(datalist, shares, strict=True):
        total[item["modality"]] += share
    return [
        factors.get(item["modality"], 1.0) * share / (total[item["modality"]] or 1.0)
        for item, share in zip(datalist, shares, strict=True)
    ]


def _kinds(item: Mapping[str, Any]) -> list[str]:
    """Name what emphasis calls an item within its modality: none for most; seeds count though they may be 0."""
    return [kind for kind, key in KINDS.items() if key in item and item[key] is not False]


def _rows(source: Path, modality: str) -> list[dict[str, Any]]:
    """List all files with their split, which is drawn where nothing says it."""
    if source.is_file() and format_of(source) is not None:
        raise InputError(f"dataset_dir must be a folder or a manifest, got the image {source}. Pass its folder.")
    manifest = find_manifest(source)
    rows: list[dict[str, Any]]
    if manifest is None:
        rows = read_folder(source, modality, leave_out=SEALED_SPLITS)
    else:
        listed = read_manifest(manifest)
        rows = [{**row, "name": row["file"], "file": str(manifest.parent / row["file"])} for row in listed]
    if not any("split" in row for row in rows):
        chosen = hold_out(rows)
        rows = [{**row, "split": SELECTION if held else TRAINING} for row, held in zip(rows, chosen, strict=True)]
    _refuse_shared_patients(rows, source)
    _refuse_shared_files(rows, source)
    return rows


def _chosen(rows: Sequence[Mapping[str, Any]], split: str, source: Path, required: bool = True) -> list[dict[str, Any]]:
    items = _items([row for row in rows if row.get("split") == split], source)
    if required and not items:
        manifest = find_manifest(source)
        cure = "Check the column, or add it." if manifest else "Add images of other patients, or a manifest."
        raise InputError(f"split must name images, got {split!r} in {manifest or source}. {cure}")
    return items


def _items(rows: Sequence[Mapping[str, Any]], source: Path) -> list[dict[str, Any]]:
    """Make items of single clean images and of pairs; a noisy image by itself is no material for training."""
    singles = [row for row in rows if not row.get("pair") and (row.get("kind") or "clean") == "clean"]
    items: list[dict[str, Any]] = [{"label": _scan(row, source), "modality": _modality(row)} for row in singles]
    for clean, noisy in match_pairs([row for row in rows if row.get("pair")], source):
        items.append({"image": _scan(noisy, source), "label": _scan(clean, source), "modality": _modality(clean)})
    return items


def _scan(row: Mapping[str, Any], source: Path) -> str | list[str]:
    """Give an image's path, or those of the series that is all that a folder holds."""
    if isinstance(row["file"], list) or Path(row["file"]).is_file():
        return row["file"]  # type: ignore[no-any-return]
    if not Path(row["file"]).is_dir():  # which would show only when it is read, after others were
        raise InputError(
            f"file must exist, got {row['file']} in {find_manifest(source) or source}. Correct its row or remove it."
        )
    images = find_images(Path(row["file"]))
    if len(images) != 1 or "refusal" in images[0]:
        raise InputError(
            f"file must be an image or the folder of one series, got {len(images)} images in {row['file']}. Name each."
        )
    return [str(path) for path in images[0]["image"]]


def _modality(row: Mapping[str, Any]) -> str:
    if row["modality"] not in NAMES:
        raise InputError(
            f"modality must be one of ct, mr, xr, us, oct, got {row['modality']!r} for {row['file']}. Correct it."
        )
    return NAMES[row["modality"]]


def _refuse_shared_patients(rows: Sequence[Mapping[str, Any]], source: Path) -> None:
    """Refuse a manifest that trains on a patient of another split; patients are named within their source."""
    named = [row for row in rows if row.get("patient") and row.get("split")]
    trained = {
        (row.get("source"), row["patient"]): row["split"] for row in named if row["split"] in (TRAINING, MEASURED)
    }
    for row in named:
        patient = (row.get("source"), row["patient"])
        if row["split"] not in (TRAINING, MEASURED) and patient in trained:
            raise InputError(
                f"patients must be in one split, got {row['patient']} in {trained[patient]} and {row['split']} in "
                f"{source}. Move the images of the one to the other."
            )


def _refuse_shared_files(rows: Sequence[Mapping[str, Any]], source: Path) -> None:
    """Refuse a manifest that trains on, selects by and measures with one file; those of a folder are named once."""
    split_of: dict[Path, str] = {}
    for row in rows:
        if not row.get("split") or isinstance(row["file"], list):
            continue
        first = split_of.setdefault(Path(row["file"]).resolve(), row["split"])
        if _use(first) != _use(row["split"]):
            raise InputError(
                f"files must be in one split, got {row['name']} in {first} and {row['split']} in {source}. "
                "Remove one of the rows."
            )


def _use(split: str) -> str:
    """Name what a split is for: those of pairs are for the same as those of single images."""
    return {MEASURED: TRAINING, SEALED_SPLITS[1]: SEALED_SPLITS[0]}.get(split, split)
