"""The exported bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_gan_denoise.export import export_bundle


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(tmp_path_factory.mktemp("models") / "medical_image_denoising")
