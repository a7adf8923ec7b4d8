"""The five modalities: their names, other names for them, and the range of CT."""

from __future__ import annotations

__all__ = ["CT_RANGE", "MODALITIES", "NAMES", "known_modality"]

MODALITIES = ("ct", "mr", "xr", "us", "oct")
ALIASES = {"mri": "mr", "xray": "xr"}
NAMES = {name: name for name in MODALITIES} | ALIASES  # in paths and manifests
CT_RANGE = (-1024.0, 1976.0)  # HU: air to dense bone, 3000 HU wide; metal beyond it is kept, as a value above 1


def known_modality(name: str) -> str:
    """Give one of ``MODALITIES`` for its name or its alias.

    Raises:
        ValueError: if it is neither.
    """
    modality = ALIASES.get(name, name)
    if modality not in MODALITIES:
        known = ", ".join(MODALITIES)
        raise ValueError(
            f"modality must be one of {known}, got {modality!r}. Pass one of these or correct manifest.csv."
        )
    return modality
