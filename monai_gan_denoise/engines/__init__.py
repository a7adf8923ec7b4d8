"""Ignite engines, their handlers, and the inferers that take images to the network."""

from monai_gan_denoise.engines.evaluator import Outcome, ScanDataset, ScanEngine, ScanEvaluator
from monai_gan_denoise.engines.figures import BeforeAfterFigures
from monai_gan_denoise.engines.handlers import GradientClipping
from monai_gan_denoise.engines.inferers import SlicewiseInferer, StagesInferer

__all__ = [
    "BeforeAfterFigures",
    "GradientClipping",
    "Outcome",
    "ScanDataset",
    "ScanEngine",
    "ScanEvaluator",
    "SlicewiseInferer",
    "StagesInferer",
]
