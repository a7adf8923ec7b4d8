"""DICOM: series found by their headers, decoded to the modality's units, written back as derived objects."""

from monai_gan_denoise.io.dicom.directory import DIRECTORY, is_directory, listed_files
from monai_gan_denoise.io.dicom.objects import holds_no_image
from monai_gan_denoise.io.dicom.reader import read
from monai_gan_denoise.io.dicom.series import Series, find_series, is_dicom
from monai_gan_denoise.io.dicom.writer import write, write_map, write_residual

__all__ = [
    "DIRECTORY",
    "Series",
    "find_series",
    "holds_no_image",
    "is_dicom",
    "is_directory",
    "listed_files",
    "read",
    "write",
    "write_map",
    "write_residual",
]
