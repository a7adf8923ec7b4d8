"""Which component of the complex signal an MR image shows: the noise laws, and so the network, are for magnitudes.

Phase wraps around, and its noise depends on the magnitude beside it; real and imaginary parts have a sign.

Reference: DICOM PS3.3 C.8.13.3.1.2 (Complex Image Component). Of ImageType, PS3.3 C.7.6.1.1.2 leaves what follows the
second value to makers, of whom Siemens writes M, P, R or I third, Philips fourth, behind M_FFE or PHASE MAP.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom import Dataset

__all__ = ["MAGNITUDE", "complex_components", "shows_no_magnitude"]

MAGNITUDE = "magnitude"
COMPONENTS = {
    **{"MAGNITUDE": MAGNITUDE, "PHASE": "phase", "REAL": "real", "IMAGINARY": "imaginary"},
    **{"M": MAGNITUDE, "P": "phase", "R": "real", "I": "imaginary"},
}
MAKERS_VALUES = slice(2, 4)  # of ImageType


def complex_components(dataset: Dataset) -> set[str]:
    """List what the frames of an MR object show: magnitude, phase, real, imaginary.

    Empty if the header does not say, and for other modalities.
    """
    try:
        if str(dataset.get("Modality") or "").strip().upper() != "MR":
            return set()
        return {component for item in _descriptions(dataset) if (component := _component(item))}
    except Exception:  # whatever the parser stumbles over, it says nothing about the component
        return set()


def shows_no_magnitude(dataset: Dataset) -> bool:
    """Tell whether an MR object shows phases, real or imaginary parts and nothing else."""
    components = complex_components(dataset)
    return bool(components) and MAGNITUDE not in components


def _descriptions(dataset: Dataset) -> Iterator[Dataset]:
    """Give the data set and, of an Enhanced one, the frame types of all its frames."""
    yield dataset
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in dataset.get(keyword) or []:
            yield from group.get("MRImageFrameTypeSequence") or []


def _component(item: Dataset) -> str | None:
    """Read one component; None where an item says none, or that its frames differ (MIXED)."""
    kind: Any = item.get("ImageType")
    values = [item.get("ComplexImageComponent"), *([] if isinstance(kind, str) else list(kind or ())[MAKERS_VALUES])]
    words = (str(value).strip().upper() for value in values)
    return next((COMPONENTS[word] for word in words if word in COMPONENTS), None)
