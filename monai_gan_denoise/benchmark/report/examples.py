"""The images that the page shows: the best, the median and the worst of each modality, by what ours gained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.benchmark.methods import NOISY, ORACLE, OURS, find_method
from monai_gan_denoise.benchmark.noisy_image import Exposure, expose
from monai_gan_denoise.benchmark.peers import PEERS
from monai_gan_denoise.benchmark.protocol import CLEAN
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.task import Task
from monai_gan_denoise.metrics.scores import Score

__all__ = ["Choice", "Example", "choose_examples", "show_example"]

SHOWN_PEERS = 2


@dataclass(frozen=True)
class Choice:
    """An image to show.

    Attributes:
        rank: best, median or worst.
        task: the image in its cell.
        scores: over the image's own range: of the noisy image, of the blind peers of highest PSNR on this very image
            from low to high, and of ours.
    """

    rank: str
    task: Task
    scores: Mapping[str, Score]

    @property
    def gain(self) -> float:
        """What ours gained in PSNR, in dB."""
        return self.scores[OURS].psnr - self.scores[NOISY].psnr


@dataclass(frozen=True)
class Example:
    """An image and what methods made of it.

    Attributes:
        choice: which image.
        exposure: noisy and clean.
        outputs: of the peers and ours, ``(H, W)`` within [0, 1] as they are scored.
    """

    choice: Choice
    exposure: Exposure
    outputs: Mapping[str, npt.NDArray[Any]]


def choose_examples(records: Sequence[Record], tasks: Sequence[Task]) -> list[Choice]:
    """Rank the noisy images of each modality by what ours gained, over all of its cells with noise.

    Args:
        records: of the run.
        tasks: of the run.

    Returns:
        Up to three of a modality; none where ours did not run.
    """
    scores: dict[tuple[str, str], dict[str, Score]] = defaultdict(dict)
    for record in records:
        if record.output is not None and not record.output.window and record.mode != ORACLE:
            scores[record.cell, record.image][record.method] = record.output.score
    ranked: dict[str, list[Choice]] = defaultdict(list)
    for task in tasks:
        found = scores[task.cell.name, task.source.name]
        if task.cell.law != CLEAN and OURS in found:
            ranked[task.cell.modality].append(Choice("", task, _shown(found)))
    return [choice for found in ranked.values() for choice in _best_median_worst(found)]


def show_example(choice: Choice) -> Example:
    """Run the methods again on an image, since only scores are kept; same noise, same bits."""
    task = choice.task
    exposure = expose(task.cell, task.source, task.protocol)
    outputs = {}
    for name in choice.scores:
        if name != NOISY:
            _, output = next(find_method(name, task.weights).outputs(exposure))  # the first mode is the blind one
            outputs[name] = np.clip(np.asarray(output, float), 0, 1)
    return Example(choice, exposure, outputs)


def _shown(found: Mapping[str, Score]) -> dict[str, Score]:
    peers = sorted((name for name in found if name in PEERS), key=lambda name: found[name].psnr)
    return {name: found[name] for name in (NOISY, *peers[-SHOWN_PEERS:], OURS)}


def _best_median_worst(choices: Sequence[Choice]) -> Iterator[Choice]:
    by_gain = sorted(choices, key=lambda choice: choice.gain, reverse=True)  # stable: equals stay in the run's order
    places = {len(by_gain) - 1: "worst", (len(by_gain) - 1) // 2: "median", 0: "best"}
    for place in sorted(places):
        yield replace(by_gain[place], rank=places[place])
