"""Runs over many scans, where one bad file never stops the others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from torch import nn

from monai_gan_denoise.engines import Outcome, ScanDataset, ScanEngine, ScanEvaluator, SlicewiseInferer
from monai_gan_denoise.scans.errors import InputError

Item = dict[str, Any]


def scans(*names: str) -> list[Item]:
    return [{"image": [name], "outputs": [f"out/{name}"], "modality": "us"} for name in names]


def load(item: Item) -> Item:
    """Load nothing: the name says what happens."""
    (name,) = item["image"]
    if "broken" in name:
        raise InputError(f"files must be whole, got half in {name}. Copy it again.")
    if "wrapped" in name:
        try:
            raise OSError("the decoder's own words")
        except OSError as error:
            try:
                raise InputError(f"files must be whole, got half in {name}. Copy it again.") from error
            except InputError as reason:
                raise RuntimeError("applying transform") from reason
    if "odd" in name:
        raise KeyError("tag")
    image = torch.arange(256.0).reshape(1, 16, 16)
    return {**item, "image": MetaTensor(image, meta={"files": item["image"], "filename_or_obj": name})}


def evaluator(
    data: list[Item], finish: Callable[[Item], Item] = lambda item: item, transform: Callable[[Item], Item] = load
) -> ScanEvaluator:
    dataset = ScanDataset(data, transform)
    return ScanEvaluator("cpu", dataset, nn.Identity(), SlicewiseInferer(2, progress=False), finish)


def test_every_scan_has_an_outcome_in_order() -> None:
    engine = evaluator([*scans("a", "broken"), {"image": ["c"], "refusal": "c must be another."}, *scans("d")])
    engine.run()
    assert engine.outcomes == [
        Outcome(["a"], ["out/a"]),
        Outcome(["broken"], failure="files must be whole, got half in broken. Copy it again.", refused=True),
        Outcome(["c"], failure="c must be another.", refused=True),
        Outcome(["d"], ["out/d"]),
    ]


def test_what_is_left_out_is_named_and_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    engine = evaluator([*scans("a"), {"image": ["sr"], "refusal": "sr must be an image.", "left_out": True}])
    with caplog.at_level("INFO", "monai_gan_denoise"):
        engine.run()
    assert engine.outcomes[1] == Outcome(["sr"], left_out="sr must be an image.")
    assert engine.exit_code == 0
    expected = [
        "a -> out/a",
        "Skipped: sr must be an image.",
        "1 of 1 scans denoised, 0 failed, 1 other objects skipped.",
    ]
    assert caplog.messages == expected


@pytest.mark.parametrize(
    ("names", "code"), [(("a", "b"), 0), (("a", "broken"), 1), (("broken", "a"), 1), (("broken", "odd"), 2)]
)
def test_the_exit_code_says_all_some_or_none(names: tuple[str, ...], code: int) -> None:
    engine = evaluator(scans(*names))
    engine.run()
    assert engine.exit_code == code
    if code:
        with pytest.raises(SystemExit) as ended:
            engine.run_program()
        assert ended.value.code == code
    else:
        engine.run_program()


def test_our_own_sentence_wins_over_the_decoders_words_below_it() -> None:
    engine = evaluator(scans("wrapped"))
    engine.run()
    assert engine.outcomes[0].failure == "files must be whole, got half in wrapped. Copy it again."


def test_an_error_that_names_no_file_gets_the_file() -> None:
    engine = evaluator(scans("odd"))
    engine.run()
    assert engine.outcomes[0].failure == "'tag' [odd]"


def test_a_failure_after_loading_is_of_its_scan_alone() -> None:
    def finish(item: Item) -> Item:
        if "full" in item["image"].meta["files"][0]:
            raise OSError(28, "No space left on device")
        return item

    engine = evaluator(scans("a", "full", "c"), finish)
    engine.run()
    assert [outcome.failure for outcome in engine.outcomes] == [None, "[Errno 28] No space left on device [full]", None]


def test_a_traceback_in_a_message_is_cut_to_its_last_line() -> None:
    def finish(item: Item) -> Item:
        raise RuntimeError("Traceback (most recent call last):\n  File x\nValueError: x must be small, got 9.")

    engine = evaluator(scans("scan.png"), finish)
    engine.run()
    assert engine.outcomes[0].failure == "x must be small, got 9. [scan.png]"


@pytest.mark.parametrize("deadly", [0, 1, 2])
def test_a_loading_thread_that_dies_is_not_silent(deadly: int) -> None:
    class Deadly(ScanDataset):
        def _transform(self, index: int) -> Item:
            if index == deadly:
                raise SystemExit(9)  # ends a thread without a word
            return super()._transform(index)

    engine = evaluator(scans("a", "b", "c"))
    engine.dataset = Deadly(scans("a", "b", "c"), load)
    with pytest.raises(SystemExit, match="9"):
        engine.run()
    assert len(engine.outcomes) == deadly


def test_a_second_run_starts_anew() -> None:
    engine = evaluator(scans("a", "broken"))
    for _ in range(2):
        engine.run()
        assert [outcome.failure is None for outcome in engine.outcomes] == [True, False]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_the_shells_code_and_one_line(
    number: int, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    engine, program = (evaluator(scans("a", "b", "c")) for _ in range(2))
    for each in (engine, program):
        each.add_event_handler(Events.ITERATION_COMPLETED(once=1), os.kill, os.getpid(), number)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with caplog.at_level("INFO", "monai_gan_denoise"):
        with pytest.raises(KeyboardInterrupt):
            engine.run()
        with pytest.raises(SystemExit) as ended:
            program.run_program()
    signal.signal(signal.SIGINT, before)
    assert engine.exit_code == ended.value.code == code
    assert engine.outcomes == [Outcome(["a"], ["out/a"])]
    told = [record.message for record in caplog.records if record.name.startswith("monai_gan_denoise")]
    assert told == ["a -> out/a", "Interrupted after 1 of 3 scans; all files that are there are whole."] * 2


def test_what_an_earlier_run_finished_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    first, second = scans("broken", "b")
    engine = evaluator([{**first, "finished": True}, second])
    with caplog.at_level("INFO", "monai_gan_denoise"):
        engine.run()
    assert engine.outcomes == [Outcome(["broken"], ["out/broken"], skipped=True), Outcome(["b"], ["out/b"])]
    assert engine.exit_code == 0
    assert caplog.records[-1].message == "2 of 2 scans denoised (1 of them earlier), 0 failed."


def test_every_outcome_and_a_summary_are_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level("INFO", "monai_gan_denoise"):
        evaluator([*scans("a", "broken"), {**scans("x")[0], "image": ["x", "y", "z"]}], transform=load_any).run()
    assert [record.message for record in caplog.records] == [
        "a -> out/a",
        "files must be whole, got half in broken. Copy it again.",
        "x and 2 more -> out/x",
        "2 of 3 scans denoised, 1 failed.",
    ]


def test_any_process_runs_over_the_scans_and_names_its_deed(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def process(item: Item) -> Item:
        seen.append(item["image"].meta["files"])
        return item

    engine = ScanEngine("cpu", ScanDataset(scans("a", "broken", "c"), load), process, "counted")
    with caplog.at_level("INFO", "monai_gan_denoise"):
        engine.run()
    assert seen == [["a"], ["c"]]
    assert engine.exit_code == 1
    assert caplog.records[-1].message == "2 of 3 scans counted, 1 failed."


def load_any(item: Item) -> Item:
    return {**load({**item, "image": item["image"][:1]}), "image": loaded(item)}


def loaded(item: Item) -> MetaTensor:
    return MetaTensor(torch.arange(256.0).reshape(1, 16, 16), meta={"files": item["image"]})
