"""Ignite engines, their handlers, and the inferers that take images to the network."""

from monai_gan_denoise.engines.adversary import Adversary
from monai_gan_denoise.engines.evaluator import Outcome, ScanDataset, ScanEngine, ScanEvaluator
from monai_gan_denoise.engines.examples import ExampleImages
from monai_gan_denoise.engines.figures import BeforeAfterFigures
from monai_gan_denoise.engines.handlers import GradientClipping, LossGuard, TrainingError, WeightsSaver
from monai_gan_denoise.engines.inferers import SlicewiseInferer, StagesInferer
from monai_gan_denoise.engines.progress import TrainingProgress
from monai_gan_denoise.engines.resume import EpochSeeds, RunPosition
from monai_gan_denoise.engines.trainer import DenoisingTrainer
from monai_gan_denoise.engines.unwrapping import unwrapped

__all__ = [
    "Adversary",
    "BeforeAfterFigures",
    "DenoisingTrainer",
    "EpochSeeds",
    "ExampleImages",
    "GradientClipping",
    "LossGuard",
    "Outcome",
    "RunPosition",
    "ScanDataset",
    "ScanEngine",
    "ScanEvaluator",
    "SlicewiseInferer",
    "StagesInferer",
    "TrainingError",
    "TrainingProgress",
    "WeightsSaver",
    "unwrapped",
]
