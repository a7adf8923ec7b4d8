"""DICOM objects that are no images to denoise: what was said, drawn, planned or computed about images.

Reference: DICOM PS3.4 B.5 (Standard SOP Classes).
"""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.uid import UID, EnhancedUSVolumeStorage

from monai_gan_denoise.io.dicom.components import shows_no_magnitude

__all__ = ["class_name", "holds_no_image", "is_other_object"]

ELEMENTS = (
    *("SOPClassUID", "Rows", "Columns", "Modality", "ImageType", "ComplexImageComponent"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)


def class_name(dataset: Dataset) -> str:
    """Give the name of the SOP class, its UID where the class is a maker's own, or nothing where none is named."""
    meta = getattr(dataset, "file_meta", Dataset())
    uid = dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID")
    return UID(uid).name if uid else ""


def is_other_object(dataset: Dataset) -> bool:
    """Tell whether a data set is of a class that holds no picture of a patient.

    Reports, presentation states, structure sets, plans, waveforms and spectra have no pixels; segmentations, doses and
    parametric maps have, and these are results that must stay as they are. The standard calls every class of pictures
    an image, but for Enhanced US Volumes. An object of a maker's own class is a picture if it has rows and columns.
    """
    name = class_name(dataset)
    if not name or "Image" in name or name == EnhancedUSVolumeStorage.name:
        return False
    standard = not name[:1].isdigit() or " " in name  # an unknown class is called by its UID; 12-lead ECG is known
    return standard or not (dataset.get("Rows") and dataset.get("Columns"))


def holds_no_image(path: Path) -> bool:
    """Tell whether a DICOM file holds no picture of a patient by its class, or phases and the like alone."""
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(ELEMENTS))
        return is_other_object(dataset) or shows_no_magnitude(dataset)
    except Exception:  # whatever the parser stumbles over, it says nothing about the class
        return False
