"""The benchmark: a published protocol, ours and what a user would pick instead, measured in one run."""

from monai_gan_denoise.benchmark.protocol import Cell, Protocol, load_protocol
from monai_gan_denoise.benchmark.run import run_benchmark

__all__ = ["Cell", "Protocol", "load_protocol", "run_benchmark"]
