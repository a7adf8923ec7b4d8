"""The harm that PSNR does not show: of every method, on native, uniform and low-contrast images; harm.csv."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from monai_gan_denoise.benchmark.evenness import measure_native, measure_uniform
from monai_gan_denoise.benchmark.images import Source
from monai_gan_denoise.benchmark.low_contrast import measure_low_contrast
from monai_gan_denoise.benchmark.methods import Method, find_method
from monai_gan_denoise.benchmark.processes import spread
from monai_gan_denoise.benchmark.protocol import CLEAN, REAL, Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.references import LowContrast
from monai_gan_denoise.benchmark.report.csv_tables import write_csv
from monai_gan_denoise.io import whole_file
from monai_gan_denoise.scans.errors import one_line

__all__ = ["BLOCK_SHIFT", "NO_HARM", "Harm", "HarmFinding", "HarmTask", "harm_tasks", "measure_harm", "write_harm"]

BLOCK_SHIFT = "block_shift"
PHANTOM = "low-contrast phantom"
DIGITS = 8  # significant ones, as in results.csv
VERSION = "harm 1"  # changes whenever a measure does, so that no other is taken from the cache

logger = logging.getLogger(__name__)


class HarmFinding(NamedTuple):
    """A row of harm.csv.

    Attributes:
        measure: ``block_shift``, ``noise_removed``, ``unevenness``, ``insert_contrast``, ``noise_left`` or
            ``frequency_shift``.
        modality: of the image.
        subject: law and level of a cell, or what else was measured.
        image: its name.
        method: its name.
        mode: input, blind or oracle.
        value: the figure.
    """

    measure: str
    modality: str
    subject: str
    image: str
    method: str
    mode: str
    value: float


@dataclass(frozen=True)
class Harm:
    """What was found.

    Attributes:
        findings: of native, uniform and low-contrast images.
        failed: which methods failed, and why.
        missing: a line of what could not be measured; empty if all was.
    """

    findings: tuple[HarmFinding, ...] = ()
    failed: tuple[str, ...] = ()
    missing: str = ""


NO_HARM = Harm()


@dataclass(frozen=True)
class HarmTask:
    """A method on one subject.

    Attributes:
        modality: of the image.
        method: its name.
        weights: of ours; the bundle's if None.
        protocol: how.
        source: the native image; None for the uniform one, or the phantom.
        phantom: the low-contrast one; None for others.
        cache: folder of finished findings; None for none.
    """

    modality: str
    method: str
    weights: Path | None
    protocol: Protocol
    source: Source | None = None
    phantom: LowContrast | None = None
    cache: Path | None = None

    @property
    def image(self) -> str:
        """What the tables call the image."""
        return self.source.name if self.source else PHANTOM if self.phantom else "uniform"

    def cache_file(self, fingerprint: str) -> Path | None:
        """Name the file for the findings by all that they depend on, the files' bytes first of all."""
        if self.cache is None:
            return None
        files = self.source.files if self.source else self.phantom.files if self.phantom else ()
        protocol = (self.protocol.seed, self.protocol.harm_crop, self.protocol.quick, self.protocol.volume_ranges)
        digest = hashlib.sha256(repr((VERSION, fingerprint, self.modality, self.image, protocol)).encode())
        for path in files:
            digest.update(path.read_bytes())
        return self.cache / f"harm_{digest.hexdigest()[:32]}.json"


def harm_tasks(
    names: Sequence[str],
    weights: Path | None,
    protocol: Protocol,
    sources: Sequence[Source],
    phantom: LowContrast | None,
    cache: Path | None = None,
) -> list[HarmTask]:
    """List what there is to do: by modality the first native images and the uniform one, then CT's phantom."""
    tasks = []
    for modality in dict.fromkeys(cell.modality for cell in protocol.cells):
        suited = [one for one in sources if one.modality == modality and not (one.noisy or one.noise_free)]
        native = suited[: protocol.harm_images]
        for name in names:
            tasks += [HarmTask(modality, name, weights, protocol, source, cache=cache) for source in (*native, None)]
            if modality == "ct" and phantom:
                tasks.append(HarmTask(modality, name, weights, protocol, phantom=phantom, cache=cache))
    return tasks if protocol.harm_images else []


def measure_harm(tasks: Sequence[HarmTask], jobs: int, missing: str = "") -> Harm:
    """Run tasks; a method that fails leaves its reason and stops no other.

    Args:
        tasks: as ``harm_tasks`` lists them.
        jobs: processes.
        missing: a line of what could not be measured.
    """
    findings: list[HarmFinding] = []
    failed: list[str] = []
    left = Counter(task.modality for task in tasks)
    for task, (found, reason) in zip(tasks, spread(run_harm_task, tasks, jobs), strict=True):
        findings += found
        failed += [reason] if reason else []
        left[task.modality] -= 1
        if not left[task.modality]:
            logger.info("harm: %s done.", task.modality)
    return Harm(tuple(findings), tuple(failed), missing)


def run_harm_task(task: HarmTask) -> tuple[list[HarmFinding], str]:
    """Measure one method on one image; its findings, or why there are none."""
    method = find_method(task.method, task.weights)
    if method.absent or (method.modalities is not None and task.modality not in method.modalities):
        return [], ""
    try:
        path = task.cache_file(method.fingerprint)
        if path is not None and path.is_file():
            return [HarmFinding(*row) for row in json.loads(path.read_text(encoding="utf-8"))], ""
        found = [
            HarmFinding(measure, task.modality, subject, task.image, method.name, mode, value)
            for measure, subject, mode, value in _measured(task, method)
        ]
    except Exception as error:  # a library's error of any kind is this method's result
        return [], f"{task.modality} harm {task.image} {method.name}: {one_line(error)}"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_text(json.dumps(found), encoding="utf-8")
    return found, ""


def write_harm(path: Path, records: Sequence[Record], harm: Harm) -> None:
    """Write harm.csv: the shift of blocks in every cell, then what was measured besides."""
    rows = (*block_shifts(records), *harm.findings)
    write_csv(path, HarmFinding._fields, ((*names, f"{value:.{DIGITS}g}") for *names, value in rows))


def block_shifts(records: Sequence[Record]) -> Iterator[HarmFinding]:
    """Give the shifts of blocks that were measured with the scores of simulated noise."""
    for one in records:
        if one.output is not None and one.law not in (CLEAN, REAL) and BLOCK_SHIFT in one.output.measures:
            value = one.output.measures[BLOCK_SHIFT]
            subject = f"{one.law}/{one.level}"
            yield HarmFinding(BLOCK_SHIFT, one.modality, subject, one.image, one.method, one.mode, value)


def _measured(task: HarmTask, method: Method) -> Iterator[tuple[str, str, str, float]]:
    if task.source:
        found = measure_native(method, task.source, task.protocol)
    elif task.phantom:
        found = measure_low_contrast(method, task.phantom, task.protocol)
    else:
        found = measure_uniform(method, task.modality, task.protocol)
    yield from (one for one in found if not math.isnan(one[-1]))
