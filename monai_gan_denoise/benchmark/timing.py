"""The serial pass: what each method costs, in a process of its own, one after another.

The figures of merit come from many processes at once, whose times depend on each other. Here every method denoises one
image, the head phantom with Gaussian noise of 25/255, with its blind setting and one thread, after a first small image
that imports its library and loads its weights. An oracle's run costs as much for every setting of its grid.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark.methods import NOISY, find_method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.processes import THREADS, alone
from monai_gan_denoise.io import whole_file
from monai_gan_denoise.scans.errors import one_line

__all__ = ["Timing", "time_methods"]

logger = logging.getLogger(__name__)

SIDE, QUICK_SIDE, FIRST_SIDE = 512, 256, 64  # pixels
RUNS = 3  # of which the median counts
LEVEL = 25 / 255  # of the noise, in network units
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux; "5" resets the peak, see proc(5)


@dataclass(frozen=True)
class Timing:
    """What a method costs.

    Attributes:
        method: its name.
        side: of the square image, in pixels.
        threads: that it may use.
        runs: how often it ran.
        seconds_per_megapixel: of processor time, the median of the runs; None if it did not run.
        peak_memory_mb: the most resident memory during the runs above that before them, in 10^6 bytes, to about 5: what
            it works in, without its library and weights; None if it did not run, or the system does not tell.
        note: why it did not run.
    """

    method: str
    side: int
    threads: int
    runs: int
    seconds_per_megapixel: float | None = None
    peak_memory_mb: float | None = None
    note: str = ""


@dataclass(frozen=True)
class _Work:
    method: str
    weights: Path | None
    side: int


def time_methods(methods: Sequence[str], weights: Path | None, quick: bool, cache: Path) -> list[Timing]:
    """Measure what each method costs; what was measured before is taken from the cache.

    Args:
        methods: names, as ``resolve_names`` gives them; the noisy image costs nothing and is left out.
        weights: of ours; the bundle's if None.
        quick: take a small image.
        cache: folder of finished measurements.
    """
    names = [name for name in methods if name != NOISY]
    timings = []
    for number, name in enumerate(names, 1):
        timings.append(_time(_Work(name, weights, QUICK_SIDE if quick else SIDE), cache))
        logger.info("%d of %d methods: %s timed.", number, len(names), name)
    return timings


def _time(work: _Work, cache: Path) -> Timing:
    method = find_method(work.method, work.weights)
    nothing = Timing(work.method, work.side, THREADS, RUNS)
    if method.absent:
        return replace(nothing, note=method.absent)
    digest = hashlib.sha256(repr((method.fingerprint, nothing)).encode()).hexdigest()
    path = cache / f"time-{digest[:32]}.json"
    try:
        return Timing(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        pass  # not measured yet, or not to its end
    try:
        timing = alone(_measure, work)
    except Exception as error:  # what a library raises, or the end of its process, is this method's result
        note = one_line(error)
        logger.warning("%s was not timed: %s", work.method, note)
        return replace(nothing, note=note)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(timing)), encoding="utf-8")
    return timing


def _measure(work: _Work) -> Timing:
    method = find_method(work.method, work.weights)
    next(method.outputs(_exposure(FIRST_SIDE)))
    exposure = _exposure(work.side)
    before = _reset_peak()
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        next(method.outputs(exposure))
        seconds.append(time.process_time() - started)
    memory = None if before is None else max(_resident("VmHWM") - before, 0.0)
    return Timing(work.method, work.side, THREADS, RUNS, median(seconds) / work.side**2 * 1e6, memory)


def _exposure(side: int) -> Exposure:
    clean = np.clip(phantoms.head(side), 0, 1).astype(np.float64)
    noise = np.random.default_rng(0).normal(0, LEVEL, clean.shape)
    return Exposure("mr", (clean + noise).astype(np.float32), clean, 0, 255, 8)


def _reset_peak() -> float | None:
    """Let the peak of resident memory count from now, and give what is resident; None where that cannot be done."""
    try:
        RESET.write_text("5")
    except OSError:
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc: what is freed and kept would hide what is used
    if trim is not None:
        trim(0)
    return _resident("VmRSS")


def _resident(field: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return float(line.split()[1]) * 1024 / 1e6  # from KiB
