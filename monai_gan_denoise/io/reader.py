"""Reading through MONAI's LoadImaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.config import PathLike
from monai.data import ImageReader
from monai.utils import ensure_tuple

from monai_gan_denoise.io.formats import format_of
from monai_gan_denoise.io.volume_series import Volume
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan, refuse_unusable

__all__ = ["ScanReader", "read_scan", "scan_meta"]


class ScanReader(ImageReader):
    """Read one file, or the files of one DICOM series in slice order, for ``LoadImaged(reader=ScanReader)``.

    With ``expanduser=False``, LoadImaged passes a ``Volume`` of a series on as well, in place of a file. The image's
    metadata hold what ``Scan`` holds besides the values, and ``files``.
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Tell whether a format module takes the file."""
        return format_of(Path(ensure_tuple(filename)[0])) is not None

    def read(self, data: Sequence[PathLike | Volume] | PathLike | Volume, **_: Any) -> tuple[Path | Volume, ...]:
        """Name the files only: LoadImage hides the errors of ``read`` and shows those of ``get_data``."""
        return tuple(file if isinstance(file, Volume) else Path(file) for file in ensure_tuple(data))

    def get_data(self, img: tuple[Path | Volume, ...]) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Decode.

        Returns:
            The values, without a channel axis, and the metadata.

        Raises:
            InputError: if the file cannot be read or cannot be denoised.
        """
        scan = _volume(img[0]) if isinstance(img[0], Volume) else read_scan([Path(str(path)) for path in img])
        return scan.values, {**scan_meta(scan), "files": [str(path) for path in img]}


def read_scan(files: Sequence[Path]) -> Scan:
    """Read one file, or the files of one DICOM series in slice order.

    Raises:
        InputError: if the file cannot be read or cannot be denoised.
    """
    module = format_of(files[0])
    if module is None:
        raise InputError(f"INPUT must be an image, got {files[0]}. Pass DICOM, NIfTI, NRRD, MHA, PNG, JPEG or TIFF.")
    scan = module.read(files)
    refuse_unusable(scan.values, scan.slice_axis, str(files[0]))
    return scan


def _volume(volume: Volume) -> Scan:
    refuse_unusable(volume.scan.values, volume.scan.slice_axis, str(volume))
    return volume.scan


def scan_meta(scan: Scan) -> dict[str, Any]:
    """Put what a scan holds besides its values into MONAI's form of metadata, without None, which no batch holds."""
    said = {
        "slice_axis": scan.slice_axis,
        "bit_range": scan.bit_range,
        "hu_offset": scan.hu_offset,
        "modality": scan.modality,
    }
    return {
        "affine": scan.affine,
        "original_affine": scan.affine,
        "original_channel_dim": math.nan,
        **{key: value for key, value in said.items() if value is not None},
    }
