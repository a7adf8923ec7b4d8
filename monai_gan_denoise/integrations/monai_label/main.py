"""What MONAI Label loads: it looks in main.py of the app's folder, which it puts on the path, for a MONAILabelApp."""

from monai_gan_denoise.integrations.monai_label.app import DenoisingApp

__all__ = ["DenoisingApp"]
