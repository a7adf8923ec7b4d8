"""How close the images of a folder come to clean ones, file by file, by the benchmark's measures."""

from monai_gan_denoise.evaluation.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
