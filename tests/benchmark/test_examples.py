"""Which images are shown, and that they are the ones that were measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_gan_denoise.benchmark import Cell, Protocol, load_protocol
from monai_gan_denoise.benchmark.images import Source
from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.examples import choose_examples, show_example
from monai_gan_denoise.benchmark.task import Task
from monai_gan_denoise.metrics.scores import Score, score

GAINS = {"a": 3.0, "b": 9.0, "c": 1.0, "d": 5.0, "e": -2.0}  # dB
PEERS = {"median": 4.0, "tv": 2.0, "nlm": 6.0}


def tasks_and_records(gains: dict[str, float], law: str = "gaussian") -> tuple[list[Task], list[Record]]:
    protocol, cell = load_protocol(), Cell("us", law, "25", "", ())
    tasks = [Task(cell, Source(image, "us", image), protocol, (), None, Path()) for image in gains]
    records = []
    for image, gain in gains.items():
        methods = {("noisy", "input"): 0.0, ("ours", "blind"): gain}
        methods.update({(name, "blind"): peer for name, peer in PEERS.items()})
        methods.update({(name, "oracle"): 20.0 - peer for name, peer in PEERS.items()})
        for (method, mode), psnr in methods.items():
            for window in (False, True):  # whose figures must not be taken
                output = Output(mode, 255.0, window, Score(20 + psnr - 50 * window, 0.5, 0.1, 0.3))
                records.append(Record("us", law, "25", method, mode, image, image, output))
    return tasks, records


def test_best_median_and_worst_are_chosen_by_the_gain_of_ours() -> None:
    tasks, records = tasks_and_records(GAINS)
    chosen = choose_examples(records, tasks)
    assert [(one.rank, one.task.source.name) for one in chosen] == [("best", "b"), ("median", "a"), ("worst", "e")]
    assert [one.gain for one in chosen] == pytest.approx([9, 3, -2])


@pytest.mark.parametrize(("count", "ranks"), [(1, ["best"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])])
def test_no_image_is_shown_twice(count: int, ranks: list[str]) -> None:
    tasks, records = tasks_and_records(dict(list(GAINS.items())[:count]))
    assert [one.rank for one in choose_examples(records, tasks)] == ranks


def test_the_two_best_blind_peers_are_shown_between_noisy_and_ours() -> None:
    tasks, records = tasks_and_records(GAINS)
    for one in choose_examples(records, tasks):
        assert list(one.scores) == ["noisy", "median", "nlm", "ours"]
        assert one.scores["nlm"].psnr == 26


def test_clean_images_are_not_ranked() -> None:
    tasks, records = tasks_and_records(GAINS, "clean")
    assert choose_examples(records, tasks) == []


def test_without_ours_nothing_is_shown() -> None:
    tasks, records = tasks_and_records(GAINS)
    assert choose_examples([record for record in records if record.method != "ours"], tasks) == []


def test_what_is_shown_scores_as_what_was_measured(measured: tuple[Protocol, list[Task], list[Record]]) -> None:
    _, tasks, records = measured
    chosen = choose_examples(records, tasks)
    assert {one.task.cell.modality for one in chosen} == {"ct", "us"}
    for one in chosen:
        example = show_example(one)
        for name, output in {"noisy": example.exposure.noisy, **example.outputs}.items():
            assert tuple(score(example.exposure.clean, output)) == pytest.approx(tuple(one.scores[name]), rel=1e-9)


def test_the_same_image_is_shown_every_time(measured: tuple[Protocol, list[Task], list[Record]]) -> None:
    _, tasks, records = measured
    one = choose_examples(records, tasks)[0]
    first, second = show_example(one), show_example(one)
    assert np.array_equal(first.exposure.noisy, second.exposure.noisy)
    for name, output in first.outputs.items():
        assert np.array_equal(output, second.outputs[name])
