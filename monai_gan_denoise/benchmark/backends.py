"""What computes the network fastest here, and whether it computes the same.

``python -m monai_gan_denoise.benchmark.backends`` prints the table of bundle/docs/backends.md for this machine: each
way in a process of its own, on one thread, one after another; the bundle's network on a noisy head phantom.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from torch import Tensor

from monai_gan_denoise import phantoms
from monai_gan_denoise.backends import BACKENDS
from monai_gan_denoise.benchmark.processes import alone
from monai_gan_denoise.inference import Denoiser

__all__ = ["WAYS", "Speed", "measure", "table"]

BFLOAT16 = "torch, bfloat16"  # what no backend offers, for what it changes
WAYS = (*BACKENDS, BFLOAT16)
SIDE, RUNS = 512, 7  # pixels; of which the median counts
SIZES = ((SIDE, SIDE), (333, 257), (48, 17))  # pixels, where outputs are compared
LEVEL = 25 / 255  # of the noise, in network units

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Speed:
    """What a way to compute the network costs.

    Attributes:
        way: a backend, or torch in bfloat16.
        seconds: of processor time, for a slice of 512 x 512 pixels, the median of the runs.
        difference: the largest from torch in float32 at any pixel of three images, as a share of the range.
    """

    way: str
    seconds: float
    difference: float


def measure(way: str) -> Speed:
    """Measure one of ``WAYS`` in this process, on the threads that torch has.

    Raises:
        ValueError: if the backend's library is missing.
    """
    reference = Denoiser(device="cpu").network
    network = _in_bfloat16(reference) if way == BFLOAT16 else Denoiser(device="cpu", backend=way).network
    seconds, differences = [], []
    with torch.inference_mode():
        for size in SIZES:
            image = _noisy(size)
            differences.append(float((network(image) - reference(image)).abs().max()))
        image = _noisy(SIZES[0])
        for _ in range(RUNS):
            started = time.process_time()
            network(image)
            seconds.append(time.process_time() - started)
    return Speed(way, median(seconds), max(differences))


def table(speeds: list[Speed]) -> str:
    """Write speeds as a table in Markdown, the first as what the others are compared with."""
    lines = ["| | seconds a slice | times as fast | largest difference, of the range |", "|---|---|---|---|"]
    for speed in speeds:
        ratio = speeds[0].seconds / speed.seconds
        lines.append(f"| {speed.way} | {speed.seconds:.3f} | {ratio:.2f} | {speed.difference:.1g} |")
    return "\n".join(lines)


def _in_bfloat16(network: Network) -> Network:
    def run(image: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(image).float()

    return run


def _noisy(size: tuple[int, int]) -> Tensor:
    clean = phantoms.head(SIDE)[: size[0], : size[1]]
    noise = np.random.default_rng(0).normal(0, LEVEL, clean.shape)
    return torch.from_numpy((clean + noise).astype(np.float32))[None, None].to(memory_format=torch.channels_last)


if __name__ == "__main__":
    sys.stdout.write(table([alone(measure, way) for way in WAYS]) + "\n")
