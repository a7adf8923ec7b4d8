"""The stand-alone bundle, for the MONAI model zoo and Hugging Face: it runs where this package is not installed."""

from monai_gan_denoise.export.bundle import export_bundle
from monai_gan_denoise.export.card import model_card
from monai_gan_denoise.export.configs import initialized_by_run
from monai_gan_denoise.export.sources import SCRIPTS, needed_sources, renamed

__all__ = ["SCRIPTS", "export_bundle", "initialized_by_run", "model_card", "needed_sources", "renamed"]
