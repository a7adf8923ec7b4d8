"""DICOMDIR: the list of the files on a medium, a CD as a rule.

Reference: DICOM PS3.3 F.3.2.2 (Directory Information), PS3.10 section 8.2 (File ID).
"""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from monai_gan_denoise.scans.errors import InputError

__all__ = ["DIRECTORY", "is_directory", "listed_files"]

DIRECTORY = "DICOMDIR"  # the one name that PS3.10 section 8.6 allows
INACTIVE = 0  # RecordInUseFlag of a record that no longer counts


def is_directory(path: Path) -> bool:
    """Tell whether a file is a DICOMDIR, by its SOP class."""
    try:
        meta = pydicom.filereader.read_file_meta_info(path)
        return bool(meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage)
    except Exception:  # whatever the parser stumbles over, it is no DICOMDIR
        return False


def listed_files(path: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Read which files a DICOMDIR lists, below its own folder; upper and lower case are one, as on a CD.

    Args:
        path: the DICOMDIR.

    Returns:
        The files that are there, in the order of their records; and those that are not, each with the reason.

    Raises:
        InputError: if the DICOMDIR cannot be read.
    """
    try:
        dataset = pydicom.dcmread(path)
        names = [_file_id(record) for record in dataset.get("DirectoryRecordSequence") or []]
    except Exception as error:  # a damaged file fails in as many ways as there are parsers of values
        raise InputError(f"DICOMDIR must be readable, got {type(error).__name__} in {path}. Fetch it again.") from error
    found: dict[Path, None] = {}
    refused: list[tuple[Path, str]] = []
    for parts in filter(None, names):
        named = path.parent.joinpath(*parts) if all(map(_is_plain, parts)) else path
        if named is path:
            reason = f"ReferencedFileID must name a file below the DICOMDIR, got {'/'.join(parts)} in {path}. Fix it."
            refused.append((path, reason))
        elif (there := _locate(path.parent, parts)) is None:
            refused.append((named, f"files of a DICOMDIR must be there, got none at {named}. Copy the whole medium."))
        else:
            found[there] = None
    return list(found), refused


def _file_id(record: Dataset) -> tuple[str, ...]:
    """Give the parts of ReferencedFileID; none of a record that names no file or is out of use."""
    value = record.get("ReferencedFileID")
    if not value or record.get("RecordInUseFlag") == INACTIVE:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _is_plain(part: str) -> bool:
    """Tell whether a part is one name, which leads neither up nor elsewhere."""
    return part not in ("", ".", "..") and not set(part) & {"/", "\\", ":", "\0"}


def _locate(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Find a file by the names on the way to it, exactly or else in another case."""
    exact = folder.joinpath(*parts)
    if exact.is_file():
        return exact
    for part in parts:
        if not folder.is_dir():
            return None
        alike = sorted(entry for entry in folder.iterdir() if entry.name.lower() == part.lower())
        if not alike:
            return None
        folder = alike[0]
    return folder if folder.is_file() else None
