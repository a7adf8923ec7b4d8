"""The serial pass, against work of known cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_gan_denoise.benchmark import timing
from monai_gan_denoise.benchmark.methods import Method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.timing import RUNS, Timing, time_methods

Denoise = Callable[[np.ndarray], Any]


def replaced(monkeypatch: pytest.MonkeyPatch, denoise: Denoise, absent: str = "") -> None:
    """Let every name stand for a function, and run it in this process."""

    def outputs(exposure: Exposure) -> Iterator[tuple[str, Any]]:
        yield "blind", denoise(exposure.noisy)
        raise AssertionError("the oracle's grid must not be timed")

    method = Method("m", "fingerprint", outputs, absent=absent)
    monkeypatch.setattr(timing, "find_method", lambda name, weights: method)
    monkeypatch.setattr(timing, "alone", lambda function, item: function(item))


def busy(image: np.ndarray) -> None:
    end = time.process_time() + (0.05 if image.shape[0] == timing.QUICK_SIDE else 0.2)  # the first image is not timed
    while time.process_time() < end:
        pass


def test_methods_are_timed_in_processes_of_their_own_and_noisy_is_none(tmp_path: Path) -> None:
    median, gaussian = time_methods(["noisy", "median", "gaussian"], None, True, tmp_path)
    assert (median.method, gaussian.method) == ("median", "gaussian")
    for found in (median, gaussian):
        assert (found.side, found.threads, found.runs, found.note) == (timing.QUICK_SIDE, 1, RUNS, "")
        assert found.seconds_per_megapixel is not None
        assert 0 < found.seconds_per_megapixel < 10


def test_time_is_the_median_of_processor_seconds_a_megapixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, busy)
    (found,) = time_methods(["m"], None, True, tmp_path)
    assert found.seconds_per_megapixel == pytest.approx(0.05 / (timing.QUICK_SIDE**2 / 1e6), rel=0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_what_the_method_works_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = np.ones(10_000_000)  # 80 MB that were there before
    replaced(monkeypatch, lambda image: np.ones(25_000_000).sum())  # 200 MB
    (found,) = time_methods(["m"], None, True, tmp_path)
    assert found.peak_memory_mb == pytest.approx(200, abs=15)
    assert kept.sum() == 10_000_000


def test_where_the_system_tells_no_memory_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, busy)
    monkeypatch.setattr(timing, "RESET", tmp_path / "absent" / "clear_refs")
    (found,) = time_methods(["m"], None, True, tmp_path)
    assert found.peak_memory_mb is None
    assert found.seconds_per_megapixel is not None


def test_what_was_timed_is_not_timed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, np.sum)
    first = time_methods(["m"], None, True, tmp_path)
    monkeypatch.setattr(timing, "alone", lambda function, item: pytest.fail("timed again"))
    assert time_methods(["m"], None, True, tmp_path) == first


def test_an_interrupted_entry_of_the_cache_is_timed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, np.sum)
    time_methods(["m"], None, True, tmp_path)
    (entry,) = tmp_path.iterdir()
    entry.write_text(entry.read_text()[:20])
    time_methods(["m"], None, True, tmp_path)
    assert set(Timing.__dataclass_fields__) == set(json.loads(entry.read_text()))


def test_a_method_that_fails_leaves_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(image: np.ndarray) -> None:
        raise RuntimeError("out of\nluck")

    replaced(monkeypatch, fail)
    (found,) = time_methods(["m"], None, True, tmp_path)
    assert found == Timing("m", timing.QUICK_SIDE, 1, RUNS, note="RuntimeError: out of luck")
    assert "m was not timed: RuntimeError: out of luck" in caplog.text
    assert not list(tmp_path.iterdir())


def test_an_absent_library_leaves_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, busy, absent="it is not installed")
    (found,) = time_methods(["m"], None, True, tmp_path)
    assert (found.note, found.seconds_per_megapixel) == ("it is not installed", None)
