"""A folder of images without a manifest: what can be told from headers and from the names of subfolders."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom

from monai_gan_denoise.io.dicom import is_dicom
from monai_gan_denoise.io.discovery import find_images
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import NAMES

__all__ = ["read_folder"]

logger = logging.getLogger(__name__)

COMMON = ("test",)  # names of test images that a path may go through for other reasons
HOMES = ("home", "Users")  # what holds a folder for each user, one of whom may be called test
BIDS_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")  # Brain Imaging Data Structure 1.9, "Entities"


def read_folder(folder: Path, modality: str, leave_out: Sequence[str]) -> list[dict[str, Any]]:
    """List the images, volumes and series below a folder.

    The modality is what the header says, else what a subfolder is named (ct, mr or mri, xr or xray, us, oct), else
    ``modality``. The patient is DICOM's PatientID or BIDS's ``sub-`` label.

    Args:
        folder: what to look through.
        modality: for images of which nothing else tells it; "auto" to refuse those.
        leave_out: names of subfolders whose images are left out, in small letters.

    Returns:
        A row an image: ``file`` (a path, or the list of a series), ``name`` (its path within the folder), ``modality``,
        ``patient`` (empty if unknown).

    Raises:
        InputError: if the folder is none, is or lies in one to leave out, holds no other images, or an image's modality
            is unknown.
    """
    if not folder.is_dir():
        raise InputError(f"dataset_dir must be a folder or a manifest, got {folder}. Check the path.")
    if sealed := _sealed_above(folder.resolve(), leave_out):
        raise InputError(
            f"dataset_dir must not be a folder of test images, got {folder} by the name of {sealed}. "
            "They are never trained on; rename it if it holds others."
        )
    rows = []
    sealed_images = 0
    for item in find_images(folder):
        files = [Path(path) for path in item["image"]]
        relative = files[0].relative_to(folder)
        if any(part.lower() in leave_out for path in files for part in path.relative_to(folder).parts[:-1]):
            sealed_images += 1
            continue
        if "refusal" in item:
            logger.warning("%s", item["refusal"])
            continue
        known = item.get("modality") or _named(relative) or (modality if modality != "auto" else None)
        if known is None:
            raise InputError(
                f"modality must be one of ct, mr, xr, us, oct, got none in {files[0]}. "
                "Pass --modality, add a manifest.csv, or sort the images into folders of these names."
            )
        rows.append(
            {
                "file": str(files[0]) if len(files) == 1 else [str(path) for path in files],
                "name": relative.as_posix(),
                "modality": known,
                "patient": _patient(files[0], relative),
            }
        )
    if not rows and sealed_images:
        raise InputError(
            f"dataset_dir must hold images to train on, got test images alone in {folder}. "
            "They are never trained on; add others."
        )
    if not rows:
        raise InputError(f"dataset_dir must hold images, got none in {folder}. Pass another, or a manifest.")
    return rows


def _sealed_above(here: Path, leave_out: Sequence[str]) -> Path | None:
    """Find the folder of test images that a folder is or lies in.

    A common name counts for the folder, the one that it lies in, and further up as long as these sort by modality.
    """
    near = [here, here.parent]
    while near[-1].name.lower() in NAMES:
        near.append(near[-1].parent)
    named = [part for part in (here, *here.parents) if part.name.lower() in leave_out and not _is_home(part)]
    return next((part for part in named if part in near or part.name.lower() not in COMMON), None)


def _is_home(folder: Path) -> bool:
    return len(folder.parts) == 3 and folder.parts[1] in HOMES


def _named(relative: Path) -> str | None:
    return next((NAMES[part.lower()] for part in reversed(relative.parts[:-1]) if part.lower() in NAMES), None)


def _patient(path: Path, relative: Path) -> str:
    if is_dicom(path):
        header = pydicom.dcmread(path, specific_tags=["PatientID"], stop_before_pixels=True, force=True)
        return str(header.get("PatientID") or "")
    subject = BIDS_SUBJECT.match(relative.name) or BIDS_SUBJECT.match(relative.parts[0])
    return subject.group() if subject else ""
