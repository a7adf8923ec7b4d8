"""What lies beside the data: volumes, whose middle slices are images more, and the low-contrast phantom of CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_denoise.benchmark.images import SIMULATED, Source
from monai_gan_denoise.io import read_manifest
from monai_gan_denoise.scans.modality import known_modality

__all__ = ["LowContrast", "References", "find_references"]

FOLDER, MANIFEST = "references", "manifest.csv"
VOLUMES = "volumes/"
NOISE_FREE = "phantom_clean"  # kind of a volume that was computed
KINDS = ("real", "phantom", NOISE_FREE)
TRUTH, DOSES = "pairs/lcdct_truth.nii.gz", {100: "pairs/lcdct_fbp_dose100.nii.gz", 10: "pairs/lcdct_fbp_dose010.nii.gz"}


@dataclass(frozen=True)
class LowContrast:
    """The files of the low-contrast phantom.

    Attributes:
        truth: its attenuation.
        doses: percent of the full dose, and the file whose third axis is realizations.
    """

    truth: Path
    doses: tuple[tuple[int, Path], ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of its files."""
        return (self.truth, *(path for _, path in self.doses))


@dataclass(frozen=True)
class References:
    """What was found.

    Attributes:
        volumes: a source a volume.
        low_contrast: the phantom; None if it is not there.
        missing: a line of what is not there.
    """

    volumes: tuple[Source, ...] = ()
    low_contrast: LowContrast | None = None
    missing: str = ""


def find_references(data: Path | None, folder: Path | None = None, split: str = SIMULATED) -> References:
    """Find the folder ``references`` beside that of the data, and what can be measured by it.

    Args:
        data: the manifest or the folder of the images; None for packaged ones, which have nothing beside them.
        folder: the folder itself, if it lies elsewhere.
        split: of the volumes. The low-contrast phantom only measures: nothing is chosen by it.

    Raises:
        ValueError: if ``folder`` is named and holds no manifest.
    """
    if folder is not None and not (folder / MANIFEST).is_file():
        raise ValueError(f"references must be a folder with {MANIFEST}, got {folder}. Check the path.")
    beside = folder or (_beside(data) if data is not None else None)
    if beside is None or not (beside / MANIFEST).is_file():
        return References(missing=f"no folder {FOLDER} beside --data: volumes and the low-contrast phantom left out.")
    volumes = tuple(
        Source(
            row["file"],
            known_modality(row["modality"]),
            str(row.get("patient") or row["file"]),
            (beside / row["file"],),
            volume=True,
            computed=row.get("kind") == NOISE_FREE,
        )
        for row in read_manifest(beside / MANIFEST)
        if row["file"].startswith(VOLUMES) and row.get("split") == split and row.get("kind") in KINDS
    )
    return References(volumes, _low_contrast(beside))


def _beside(data: Path) -> Path:
    folder = data if data.is_dir() else data.parent
    return folder.resolve().parent / FOLDER


def _low_contrast(folder: Path) -> LowContrast | None:
    files: Sequence[tuple[int, Path]] = [(dose, folder / name) for dose, name in DOSES.items()]
    present = tuple((dose, path) for dose, path in files if path.is_file())
    return LowContrast(folder / TRUTH, present) if present and (folder / TRUTH).is_file() else None
