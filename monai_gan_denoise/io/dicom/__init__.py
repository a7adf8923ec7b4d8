"""DICOM: series found by their headers, decoded to the modality's units, written back as derived objects."""

from monai_gan_denoise.io.dicom.reader import read
from monai_gan_denoise.io.dicom.series import Series, find_series, is_dicom
from monai_gan_denoise.io.dicom.writer import write, write_residual

__all__ = ["Series", "find_series", "is_dicom", "read", "write", "write_residual"]
