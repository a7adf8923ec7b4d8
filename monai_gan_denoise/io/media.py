"""Media, such as a patient's CD: the images that a DICOMDIR lists, and what lies beside them without being one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_gan_denoise.io import dicom
from monai_gan_denoise.io.formats import no_image
from monai_gan_denoise.scans.errors import InputError

__all__ = ["find_media", "leave_out_others", "missing_files"]


def find_media(paths: Iterable[Path], root: Path) -> list[Path]:
    """List the folders with a DICOMDIR, between ``root`` and the files that were found below it."""
    folders = {root, *(parent for path in paths for parent in path.parents if parent.is_relative_to(root))}
    return sorted(folder for folder in folders if (folder / dicom.DIRECTORY).is_file())


def missing_files(media: Iterable[Path]) -> list[dict[str, Any]]:
    """List what the DICOMDIRs of media name and what is not there, as items with a ``refusal``.

    A DICOMDIR that cannot be read is ``left_out``: the files that it may list are found without it.
    """
    items: list[dict[str, Any]] = []
    for folder in media:
        try:
            _, missing = dicom.listed_files(folder / dicom.DIRECTORY)
        except InputError as error:
            items.append({"image": [str(folder / dicom.DIRECTORY)], "refusal": str(error), "left_out": True})
        else:
            items += [{"image": [str(path)], "refusal": reason} for path, reason in missing]
    return items


def leave_out_others(items: Sequence[dict[str, Any]], media: Sequence[Path]) -> list[dict[str, Any]]:
    """Mark as ``left_out`` what is refused because it is no image, if there is anything else.

    Objects that hold no picture, such as reports, belong to a study, and label maps lie beside their images; a viewer
    and its help belong on a CD.
    """
    marked = [{**item, "left_out": True} if _is_other(item, media) else item for item in items]
    return marked if any("left_out" not in item for item in marked) else list(items)


def _is_other(item: dict[str, Any], media: Sequence[Path]) -> bool:
    if "refusal" not in item:
        return False
    path = Path(item["image"][0])
    try:
        if path.is_file() and no_image(path):
            return True
        if dicom.is_dicom(path):
            return dicom.holds_no_image(path)
    except OSError:  # what cannot be read may be an image
        return False
    return path.is_file() and any(folder in path.parents for folder in media)
