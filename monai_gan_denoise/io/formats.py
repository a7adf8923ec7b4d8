"""Which module reads and writes a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io import dicom
from monai_gan_denoise.io.nifti import codec as nifti
from monai_gan_denoise.io.nifti import file as nifti_file
from monai_gan_denoise.io.nrrd_mha import codec as volume
from monai_gan_denoise.io.nrrd_mha import file as volume_file
from monai_gan_denoise.io.raster import codec as raster
from monai_gan_denoise.scans.scan import Derivation, Scan

__all__ = ["SUFFIXES", "Format", "format_of", "no_image", "suffix_of"]

SUFFIXES = (*nifti.SUFFIXES, *raster.SUFFIXES, *volume.SUFFIXES)  # of all formats but DICOM, known by its content


class Format(Protocol):
    """What a format module offers; see ``monai_gan_denoise.scans.scan`` for the contract."""

    def read(self, files: Sequence[Path]) -> Scan:
        """Decode."""
        ...

    def write(
        self, files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
    ) -> None:
        """Write the sources again, less what was removed."""
        ...

    def write_residual(self, files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
        """Write what was removed, as float32 with the source's geometry."""
        ...

    def write_map(self, files: Sequence[Path], values: npt.NDArray[np.floating], output: Path) -> None:
        """Write numbers that belong to the pixels, one each, as float32 with the source's geometry."""
        ...


def suffix_of(path: Path, suffixes: Sequence[str]) -> str | None:
    """Find the longest of the suffixes that ends the file's name, in any case; None if none does."""
    return max((suffix for suffix in suffixes if path.name.lower().endswith(suffix)), key=len, default=None)


def format_of(path: Path) -> Format | None:
    """Choose the module for a file: by its suffix, and for DICOM, which often has none, by its content."""
    if suffix_of(path, nifti.SUFFIXES):
        return nifti
    if suffix_of(path, raster.SUFFIXES):
        return raster
    if suffix_of(path, volume.SUFFIXES):
        return volume
    return dicom if dicom.is_dicom(path) else None


def no_image(path: Path) -> str | None:
    """Say why a file of one of ``SUFFIXES`` holds no image to denoise, as its header tells of labels and vector fields.

    Returns:
        One line; None if it may hold one. Of a mask whose header says nothing nobody can tell.
    """
    if suffix_of(path, nifti.SUFFIXES):
        return nifti_file.no_image(path)
    return volume_file.no_image(path) if suffix_of(path, volume.SUFFIXES) else None
