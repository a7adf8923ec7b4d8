"""One image in one cell through every method: the piece of work that processes share out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_gan_denoise.benchmark import acceptance
from monai_gan_denoise.benchmark.harm import BLOCK_SHIFT
from monai_gan_denoise.benchmark.images import Source
from monai_gan_denoise.benchmark.methods import Method, find_method
from monai_gan_denoise.benchmark.noisy_image import Exposure, expose
from monai_gan_denoise.benchmark.protocol import Cell, Protocol
from monai_gan_denoise.benchmark.records import Output, Record, cache_file, read_outputs, write_outputs
from monai_gan_denoise.metrics import block_shift
from monai_gan_denoise.metrics.scores import score
from monai_gan_denoise.scans.errors import one_line

__all__ = ["Task", "run_task"]


@dataclass(frozen=True)
class Task:
    """What to do.

    Attributes:
        cell: where.
        source: on which image.
        protocol: how.
        methods: names, as ``resolve_names`` gives them.
        weights: of ours; the bundle's if None.
        cache: folder of finished outputs.
        measures: whether to take the measures of acceptance too.
    """

    cell: Cell
    source: Source
    protocol: Protocol
    methods: tuple[str, ...]
    weights: Path | None
    cache: Path
    measures: bool = False


def run_task(task: Task) -> list[Record]:
    """Run every method on one image; one that fails leaves its reason and stops no other."""
    methods = [find_method(name, task.weights) for name in task.methods]
    suited = [method for method in methods if method.modalities is None or task.cell.modality in method.modalities]
    try:
        exposure = expose(task.cell, task.source, task.protocol)
    except Exception as error:  # whatever a decoder or a law raises belongs to this image alone
        return [record for method in suited for record in _without(task, method, one_line(error), failed=True)]
    return [record for method in suited for record in _run(task, method, exposure)]


def _run(task: Task, method: Method, exposure: Exposure) -> list[Record]:
    if method.absent:
        return _without(task, method, method.absent, failed=False)
    windows = task.protocol.windows.get(task.cell.modality, ()) if exposure.bits is None else ()
    asked = (acceptance.VERSION if task.measures else "", BLOCK_SHIFT if _shifts(task) else "")
    fingerprint = " ".join(part for part in (method.fingerprint, *asked) if part)
    path = cache_file(task.cache, exposure, windows, fingerprint)
    outputs = read_outputs(path)
    if outputs is None:
        try:
            outputs = _outputs(method, exposure, windows, task)
        except Exception as error:  # a library's error of any kind is this method's result on this image
            return _without(task, method, one_line(error), failed=True)
        write_outputs(path, outputs)
    return [_record(task, method, output.mode, output) for output in outputs]


def _shifts(task: Task) -> bool:
    """Whether the means of blocks are to be compared: where the noise is simulated, and its level known."""
    return bool(task.protocol.harm_images and task.cell.steps)


def _outputs(method: Method, exposure: Exposure, windows: Sequence[tuple[float, float]], task: Task) -> list[Output]:
    outputs = []
    for mode, image in method.outputs(exposure):
        if image.shape != exposure.clean.shape:
            raise ValueError(f"output must have the shape {exposure.clean.shape}, got {image.shape}")
        found = acceptance.measure(exposure, image) if task.measures else {}
        shift = block_shift(exposure.clean, np.asarray(image, float), exposure.level) if _shifts(task) else math.nan
        found |= {} if math.isnan(shift) else {BLOCK_SHIFT: shift}
        outputs.append(Output(mode, exposure.width, False, score(exposure.clean, image), found))
        for low, high in windows:
            ends = ((end - exposure.lower) / exposure.width for end in (low, high))
            outputs.append(Output(mode, high - low, True, score(exposure.clean, image, *ends)))
    return outputs


def _without(task: Task, method: Method, note: str, failed: bool) -> list[Record]:
    return [_record(task, method, mode, None, note, failed) for mode in method.modes]


def _record(
    task: Task, method: Method, mode: str, output: Output | None, note: str = "", failed: bool = False
) -> Record:
    cell, source = task.cell, task.source
    return Record(
        cell.modality, cell.law, cell.level, method.name, mode, source.name, source.patient, output, note, failed
    )
