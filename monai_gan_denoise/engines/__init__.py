"""Ignite engines, their handlers, and the inferers that take images to the network."""

from monai_gan_denoise.engines.adversary import Adversary
from monai_gan_denoise.engines.best import BestSaver, EarlyStop
from monai_gan_denoise.engines.ending import Interruption, ScanEvents, interruptible
from monai_gan_denoise.engines.evaluator import Outcome, ScanDataset, ScanEngine, ScanEvaluator
from monai_gan_denoise.engines.examples import ExampleImages, has_tensorboard
from monai_gan_denoise.engines.figures import BeforeAfterFigures
from monai_gan_denoise.engines.handlers import GradientClipping, LossGuard, TrainingError, WeightsSaver
from monai_gan_denoise.engines.inferers import SlicewiseInferer, StagesInferer, predict
from monai_gan_denoise.engines.kept_state import keep_state
from monai_gan_denoise.engines.noise_level import NoiseLevel, check_noise_level
from monai_gan_denoise.engines.progress import TrainingProgress
from monai_gan_denoise.engines.reporter import RunReporter
from monai_gan_denoise.engines.resume import EpochSeeds, RunPosition
from monai_gan_denoise.engines.trainer import DenoisingTrainer
from monai_gan_denoise.engines.unwrapping import end_unless, unwrapped
from monai_gan_denoise.scans.errors import root_cause

__all__ = [
    "Adversary",
    "BeforeAfterFigures",
    "BestSaver",
    "DenoisingTrainer",
    "EarlyStop",
    "EpochSeeds",
    "ExampleImages",
    "GradientClipping",
    "Interruption",
    "LossGuard",
    "NoiseLevel",
    "Outcome",
    "RunPosition",
    "RunReporter",
    "ScanDataset",
    "ScanEngine",
    "ScanEvaluator",
    "ScanEvents",
    "SlicewiseInferer",
    "StagesInferer",
    "TrainingError",
    "TrainingProgress",
    "WeightsSaver",
    "check_noise_level",
    "end_unless",
    "has_tensorboard",
    "interruptible",
    "keep_state",
    "predict",
    "root_cause",
    "unwrapped",
]
