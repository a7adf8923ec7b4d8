"""From the SDK's selected series to scans: what is denoised, what is passed over, what must not go unsaid.

The SDK's loader keeps one instance a position, the highest AcquisitionNumber, so that of a dynamic or diffusion series
all but one time point would be lost. Its selection is taken, by SeriesInstanceUID, and the files are found as on the
command line.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom

from monai_gan_denoise.io.dicom import is_dicom

__all__ = ["Selection", "select_scans"]


@dataclass
class Selection:
    """What becomes of the files of a folder.

    Attributes:
        scans: items as ``find_scans`` makes them, each with ``image``, ``outputs`` and ``modality``.
        passed_over: a line for each series that is not to be denoised, and for each file that is no DICOM.
        failures: a line for each file or series that should have been denoised and cannot be.
    """

    scans: list[dict[str, Any]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def select_scans(found: Iterable[Mapping[str, Any]], loaded: Mapping[str, str], selected: Container[str]) -> Selection:
    """Sort what was found by what the SDK has loaded and selected.

    Args:
        found: what ``find_scans`` gives for the input folder.
        loaded: Modality of each series that the SDK's loader has, by SeriesInstanceUID.
        selected: SeriesInstanceUID of each series that the selector took.
    """
    selection = Selection()
    told: set[str] = set()
    for item in found:
        path = Path(item["image"][0])
        if path.is_file() and not is_dicom(path):
            selection.passed_over.append(f"{path} is no DICOM object; it is passed over.")
            continue
        series = _series_uid(path)
        if series in loaded and series not in selected:
            if series not in told:
                told.add(series)
                keyword = loaded[series] or "none"
                selection.passed_over.append(
                    f"Series {series}, Modality {keyword}, is no image of a known modality; it is passed over [{path}]."
                )
        elif "left_out" in item:
            selection.passed_over.append(item["refusal"])
        elif "refusal" in item:
            selection.failures.append(item["refusal"])
        elif series not in loaded:
            selection.failures.append(
                f"object must have a preamble and a StudyInstanceUID, or the SDK cannot load it, got none in {path}. "
                "Fetch it again, or denoise it with monai-gan-denoise."
            )
        else:
            selection.scans.append(dict(item))
    return selection


def _series_uid(path: Path) -> str:
    """Read SeriesInstanceUID; empty where a file or folder has none."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["SeriesInstanceUID"])
        return str(header.get("SeriesInstanceUID") or "")
    except Exception:  # whatever a parser raises on a damaged file, which find_scans has refused with a reason
        return ""
