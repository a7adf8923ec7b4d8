"""Which series the selector takes, in the form of rules that the SDK's DICOMSeriesSelectorOperator reads."""

from __future__ import annotations

import json

from monai_gan_denoise.io.dicom.header import MODALITIES

__all__ = ["selection_rules"]

HAS_PIXELS = {"Rows": [0, ">"]}  # leaves out spectra and raw data, which bear the Modality of images


def selection_rules() -> str:
    """Write a selection for each of ct, mr, xr, us and oct, named so, of all DICOM Modality values that mean it."""
    keywords: dict[str, list[str]] = {}
    for keyword, modality in MODALITIES.items():
        keywords.setdefault(modality, []).append(keyword)
    selections = [
        # The SDK searches anywhere in the value: without the anchors "CT" would take OCT as well.
        {"name": modality, "conditions": {"Modality": f"^({'|'.join(names)})$", **HAS_PIXELS}}
        for modality, names in keywords.items()
    ]
    return json.dumps({"selections": selections})
