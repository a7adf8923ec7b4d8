"""pydicom_seg as MONAI Label asks for it, by its successor: the original wants an older numpy and pydicom."""

from pydicom_seg_rb import MultiClassReader, MultiClassWriter, template

__all__ = ["MultiClassReader", "MultiClassWriter", "template"]
