"""Which image belongs to which: by relative path, on two sides or three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_gan_denoise.io import read_manifest
from monai_gan_denoise.io.discovery import find_images
from monai_gan_denoise.io.manifest import MANIFEST
from monai_gan_denoise.io.writer import noise_path, residual_path
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import known_modality

__all__ = ["Pair", "find_pairs"]

LOSSY_RESULTS = (".jpg.png", ".jpeg.png")  # as denoise names the results of JPEG
NAMED = 10  # files that a message lists

Files = tuple[Path, ...]
Side = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Pair:
    """A clean image and what is compared with it.

    Attributes:
        name: the path below the folder of clean images, of a series that of its folder.
        modality: one of ct, mr, xr, us, oct; None where neither a header, a manifest.csv nor the caller says.
        clean: its files, in slice order.
        pred: those of the output.
        noisy: those of the noisy image, if there is one.
        refusal: why it cannot be compared, or nothing.
    """

    name: str
    modality: str | None
    clean: Files
    pred: Files
    noisy: Files = ()
    refusal: str = ""


def find_pairs(clean: Path, pred: Path, noisy: Path | None = None, modality: str = "auto") -> list[Pair]:
    """Pair images of folders by relative path; those of files are one pair.

    A DICOM series of several files is one image, named by its folder if that holds no other. The residuals and
    noise maps that denoise writes beside its results are left out.

    Args:
        clean: folder of clean images, or one file.
        pred: folder of outputs, or one file.
        noisy: folder of noisy images, or one file.
        modality: of images for which neither their header nor a manifest.csv in ``clean`` says; "auto" for unknown.

    Raises:
        InputError: if a folder is absent or empty, is a file where another is none, or an image has no partner.
        ValueError: if a manifest.csv names an unknown modality.
    """
    references = _side(clean, "--clean", clean)
    predicted = _matched(_side(pred, "--pred", clean), references)
    measured = _matched(_side(noisy, "--noisy", clean), references) if noisy else {}
    lonely = _lonely((references, clean), (predicted, pred))
    lonely += _lonely((references, clean), (measured, noisy)) if noisy else []
    if lonely:
        raise InputError(f"every image must have a partner, got {' and '.join(lonely)}. Add it or leave the other out.")
    listed = _listed(clean)
    pairs = []
    for key in dict.fromkeys([*references, *predicted, *measured]):
        items = [side.get(key, {}) for side in (references, predicted, measured)]
        reference, output, third = (tuple(Path(path) for path in item.get("image", ())) for item in items)
        known = items[0].get("modality") or next((listed[path] for path in reference if path in listed), modality)
        refusal = next((item["refusal"] for item in items if "refusal" in item), "")
        of = None if known == "auto" else known_modality(known)
        pairs.append(Pair(_name(key, clean), of, reference, output, third, refusal))
    return pairs


def _side(root: Path, option: str, clean: Path) -> dict[str, dict[str, Any]]:
    if not root.exists():
        raise InputError(f"{option} must exist, got {root}. Check the path.")
    if root.is_dir() != clean.is_dir():
        kind = "folder" if clean.is_dir() else "file"
        raise InputError(f"{option} must be a {kind} as --clean is, got {root}. Name a {kind}.")
    items = find_images(root)
    results = [[Path(path) for path in item["image"]] for item in items]
    beside = {name(result) for result in results for name in (residual_path, noise_path)}
    items = [item for item in items if Path(item["image"][0]) not in beside]
    if not items:
        raise InputError(f"{option} must hold an image, got none in {root}. Pass another.")
    series = Counter(Path(item["image"][0]).parent for item in items if len(item["image"]) > 1)
    return {_key(item["image"], root, series): item for item in items}


def _key(files: Sequence[Path], root: Path, series: Mapping[Path, int]) -> str:
    path = Path(files[0])
    alone = len(files) > 1 and series[path.parent] == 1
    return (path.parent if alone else path).relative_to(root).as_posix()


def _matched(side: Mapping[str, dict[str, Any]], references: Side) -> dict[str, dict[str, Any]]:
    """Give the result of a JPEG, a.jpg.png, the name of its input where that is what it belongs to."""
    matched = {}
    for key, item in side.items():
        source = key.removesuffix(".png")
        lossy = key.lower().endswith(LOSSY_RESULTS) and key not in references and source not in side
        matched[source if lossy else key] = item
    return matched


def _lonely(first: tuple[Side, Path], second: tuple[Side, Path]) -> list[str]:
    """Say which images of one side the other lacks; what is no image needs no partner."""
    found = []
    for (here, root), (there, other) in ((first, second), (second, first)):
        names = [_name(key, root) for key, item in here.items() if key not in there and "refusal" not in item]
        if names:
            rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            found.append(f"none in {other} for {', '.join(names[:NAMED])}{rest}")
    return found


def _listed(clean: Path) -> dict[Path, str]:
    if not (clean / MANIFEST).is_file():
        return {}
    return {clean / row["file"]: row["modality"] for row in read_manifest(clean)}


def _name(key: str, root: Path) -> str:
    return root.resolve().name if key == "." else key
