"""Series from a DICOMweb archive, and back into it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pydicom

from monai_gan_denoise.scans.errors import InputError

__all__ = ["fetch_series", "store_series"]

UID = re.compile(r"[0-9][0-9.]{0,63}")  # DICOM PS3.5, 9.1


def fetch_series(client: Any, series_uid: str, folder: Path) -> Path:
    """Fetch a series, unless it has been fetched before.

    MONAI Label's own way converts to NIfTI, which loses the modality, and takes half a series for a whole one after an
    interruption.

    Args:
        client: a ``dicomweb_client.DICOMwebClient``.
        series_uid: SeriesInstanceUID.
        folder: holds a folder a series.

    Returns:
        The folder that holds the series' files, as the archive has them.

    Raises:
        InputError: if the archive has no such series.
    """
    if not UID.fullmatch(series_uid):
        raise InputError(f"image must be a SeriesInstanceUID, got {series_uid!r}. Look at GET /datastore/.")
    target = folder / series_uid
    if target.is_dir():
        return target
    found = client.search_for_series(search_filters={"SeriesInstanceUID": series_uid})
    studies = [series["0020000D"]["Value"][0] for series in found if series["0020000E"]["Value"] == [series_uid]]
    if not studies:
        raise InputError(f"image must be a series of the archive, got {series_uid}. Look at GET /datastore/.")
    partial = folder / f".partial-{uuid4().hex}"
    try:
        partial.mkdir(parents=True)
        for instance in client.retrieve_series(studies[0], series_uid):
            instance.save_as(partial / f"{instance.SOPInstanceUID}.dcm", enforce_file_format=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def store_series(client: Any, files: Sequence[Path]) -> str:
    """Store the files of a series; the same one again replaces itself.

    Returns:
        Its SeriesInstanceUID.
    """
    datasets = [pydicom.dcmread(file) for file in files]
    client.store_instances(datasets)
    return str(datasets[0].SeriesInstanceUID)
