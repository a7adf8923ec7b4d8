"""What a radiologist has made cleaner, as a manifest that the trainer reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from monai_gan_denoise.io.holdout import hold_out
from monai_gan_denoise.scans.errors import InputError

__all__ = ["CLEAN", "LESSONS", "PAIRS", "write_lessons"]

CLEAN, PAIRS = LESSONS = ("clean", "pairs")


def write_lessons(datalist: Sequence[Mapping[str, str]], modality: str, kind: str, folder: Path) -> Path:
    """Write a manifest.json of the final labels of a datastore, which are clean images here.

    Args:
        datalist: an ``image`` and its ``label`` each, files.
        modality: of all of them.
        kind: "clean" to train on the labels with simulated noise; "pairs" to train also on each image as the noisy side
            of its label, which must then show the same scene, in register.
        folder: made if absent.

    Returns:
        The manifest. One in ten images is held out for validation, the same ones every time.

    Raises:
        InputError: if there is no label, or no modality.
    """
    if not datalist:
        raise InputError("datastore must hold final labels, clean images, got none. Submit one for an image.")
    if modality == "auto":
        raise InputError("modality must be one of ct, mr, xr, us, oct, got 'auto'. Choose one for the training.")
    named = [{"name": Path(item["label"]).name, "modality": modality} for item in datalist]
    rows = []
    for item, name, held in zip(datalist, named, hold_out(named), strict=True):
        clean = {"file": item["label"], "modality": modality, "kind": "clean", "split": "val" if held else "train"}
        rows.append({**clean, "pair": ""})
        if kind == PAIRS and not held:
            pair = {"modality": modality, "split": "real_train", "pair": name["name"]}
            rows.append({**pair, "file": item["label"], "kind": "real_clean"})
            rows.append({**pair, "file": item["image"], "kind": "real_noisy"})
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return manifest
