"""The whole run: images into cells, cells into processes, results into files."""

from __future__ import annotations

import logging
import math
import os
import time
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_denoise.benchmark.earlier import read_earlier
from monai_gan_denoise.benchmark.harm import harm_tasks, measure_harm, write_harm
from monai_gan_denoise.benchmark.images import SIMULATED, Source, find_sources, packaged_sources, phantom_sources
from monai_gan_denoise.benchmark.methods import Method, find_method, known_method, resolve_names
from monai_gan_denoise.benchmark.processes import one_thread_a_process, spread
from monai_gan_denoise.benchmark.protocol import NOISE_FREE, REAL, VERSIONS, Cell, Protocol, load_protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.references import References, find_references
from monai_gan_denoise.benchmark.report.csv_tables import (
    write_measures,
    write_structure,
    write_tables,
    write_times,
)
from monai_gan_denoise.benchmark.report.examples import choose_examples, show_example
from monai_gan_denoise.benchmark.report.html_page import write_page
from monai_gan_denoise.benchmark.report.markdown_page import write_report
from monai_gan_denoise.benchmark.report.summary import groups
from monai_gan_denoise.benchmark.structure import UNMEASURED, Structure, measure_structure
from monai_gan_denoise.benchmark.taken import NOTHING_TAKEN
from monai_gan_denoise.benchmark.task import Task, run_task
from monai_gan_denoise.benchmark.timing import time_methods
from monai_gan_denoise.metrics.scores import require_scikit_image

__all__ = ["run_benchmark"]

logger = logging.getLogger(__name__)

CACHE = "cache"


def run_benchmark(
    data: Path | None = None,
    output: Path = Path("report"),
    *,
    methods: Sequence[str] = (),
    cells: Sequence[str] = (),
    quick: bool = False,
    jobs: int = 0,
    weights: Path | None = None,
    measures: bool = False,
    structure: bool = False,
    version: int = VERSIONS[0],
    split: str = SIMULATED,
    references: Path | None = None,
    peers_from: Path | None = None,
) -> int:
    """Measure ours and what a user would pick instead, and write tables, figures and report.html.

    What is finished is kept in ``output/cache``: a run that was interrupted continues there.

    Args:
        data: a manifest or a folder, see ``find_sources``; what packages ship and phantoms if None.
        output: folder of the results, made if absent.
        methods: their names, see ``resolve_names``; all if empty.
        cells: patterns, see ``Protocol.only``; all if empty.
        quick: few cells, an image a modality and a small crop, to see whether all works.
        jobs: processes; one a core if 0.
        weights: of ours; the bundle's if None.
        measures: also take the measures of acceptance and write measures.csv.
        structure: also measure inserted discs and false detections on phantoms and write structure.csv.
        version: of the protocol, an earlier one to measure again what was published by it.
        split: of the images, ``val`` to choose by; see ``find_sources``.
        references: folder of volumes and the low-contrast phantom; what lies beside ``data`` if None.
        peers_from: results.json of an earlier run on the same images and noise: the figures of all methods that are not
            measured in this one are taken from there.

    Returns:
        0 if every cell was measured, 1 if a method failed on one.

    Raises:
        ValueError: if an argument names nothing, nothing can be measured, scikit-image is not installed, or the earlier
            run is of another protocol, other images or other noise.
    """
    require_scikit_image()
    names = tuple(resolve_names(methods))
    earlier = read_earlier(peers_from) if peers_from else None
    found = [find_method(name, weights) for name in names]  # what cannot be used is refused before anything runs
    protocol = load_protocol(quick, version)
    protocol = protocol.only(cells) if cells else protocol
    images = _gather(data, references, split, protocol)
    chosen = [(cell, _images(cell, images, protocol)) for cell in protocol.cells]
    skipped = _skipped([cell for cell, some in chosen if not some], {source.modality for source in images.measured})
    for name in skipped:
        logger.info("%s: no images; skipped.", name)
    cache = output / CACHE
    tasks = [Task(cell, one, protocol, names, weights, cache, measures) for cell, some in chosen for one in some]
    if not tasks:
        raise ValueError("cells must have images, got none for those named. Choose other cells or other --data.")
    others: list[Method] = []
    if earlier:
        earlier.require(protocol, names, [cell.name for cell, some in chosen if some])
        others = [find_method(name, weights) for name in earlier.others(names) if known_method(name)]
    output.mkdir(parents=True, exist_ok=True)
    jobs = jobs or os.cpu_count() or 1
    records = _run(tasks, jobs)
    taken = earlier.take(groups(records), names, others) if earlier else NOTHING_TAKEN
    write_tables(output, records, protocol, skipped, {method.name: method.fingerprint for method in found}, taken)
    if measures:
        write_measures(output / "measures.csv", records)
    discs = _discs(output, found, protocol) if structure else UNMEASURED
    subjects = harm_tasks(names, weights, protocol, images.measured, images.beside.low_contrast, cache)
    harm = measure_harm(subjects, jobs, images.beside.missing)
    if protocol.harm_images:
        write_harm(output / "harm.csv", records, harm)
    write_report(output, records, protocol, skipped, discs, harm, taken)
    timings = time_methods([*names, *(one.name for one in others)], weights, quick, output / CACHE)
    write_times(output, timings)
    examples = list(spread(show_example, choose_examples(records, tasks), jobs))
    write_page(output, records, protocol, skipped, timings, examples, discs, harm, taken)
    failed = sorted({f"{record.cell} {record.method}: {record.note}" for record in records if record.failed})
    failed += [*discs.failed, *harm.failed]
    for line in failed:
        logger.error("%s", line)
    logger.info("%d figures are in %s.", sum(record.output is not None for record in records), output)
    return 1 if failed else 0


@dataclass(frozen=True)
class _Images:
    """What a run measures on.

    Attributes:
        measured: images of the data, and slices of volumes.
        noise_free: phantoms, and volumes that were computed, of the modalities that the data have.
        beside: what lies beside the data.
    """

    measured: Sequence[Source]
    noise_free: Sequence[Source]
    beside: References


def _gather(data: Path | None, references: Path | None, split: str, protocol: Protocol) -> _Images:
    if not data and split != SIMULATED:
        raise ValueError(f"split must be {SIMULATED} without --data, got {split!r}. Pass --data with that column.")
    beside = find_references(data, references, split) if protocol.harm_images else References()
    sources = find_sources(data, split) if data else packaged_sources()
    if data and beside.missing:
        logger.info("references: %s", beside.missing)
    known = {source.modality for source in sources}
    content = [one for one in (*phantom_sources(), *beside.volumes) if one.noise_free and one.modality in known]
    return _Images([*sources, *(one for one in beside.volumes if not one.noise_free)], content, beside)


def _images(cell: Cell, images: _Images, protocol: Protocol) -> list[Source]:
    content = images.noise_free if cell.reference == NOISE_FREE else images.measured
    suited = [one for one in content if one.modality == cell.modality and bool(one.noisy) == (cell.law == REAL)]
    return suited[: protocol.images or None]


def _skipped(cells: Sequence[Cell], modalities: Container[str]) -> list[str]:
    """Name a modality without images once, and the cells of the others, such as those of real pairs."""
    return list(dict.fromkeys(cell.name if cell.modality in modalities else cell.modality for cell in cells))


def _discs(output: Path, methods: Sequence[Method], protocol: Protocol) -> Structure:
    with one_thread_a_process():
        measured = measure_structure([method for method in methods if not method.absent], protocol)
    write_structure(output / "structure.csv", measured.findings)
    return measured


def _run(tasks: Sequence[Task], jobs: int) -> list[Record]:
    records: list[Record] = []
    size, done = Counter(task.cell.name for task in tasks), Counter[str]()
    started = time.monotonic()
    for number, (task, found) in enumerate(zip(tasks, spread(run_task, tasks, jobs), strict=True), 1):
        records += found
        done[task.cell.name] += 1
        if done[task.cell.name] == size[task.cell.name]:
            left = (time.monotonic() - started) / number * (len(tasks) - number) / 60
            finished = sum(done[name] == size[name] for name in size)
            logger.info(
                "%d of %d cells: %s done; about %d min left.", finished, len(size), task.cell.name, math.ceil(left)
            )
    return records
