"""Scans that are worked on at the same time."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.data import Dataset, MetaTensor
from PIL import Image
from torch import nn

from monai_gan_denoise import Denoiser
from monai_gan_denoise.engines import ScanDataset, ScanEvaluator, SlicewiseInferer, overlap
from monai_gan_denoise.engines.overlap import finish_scans

Item = dict[str, Any]
WAIT = 10.0  # seconds after which a test that waits for what never comes fails


class Scans(Dataset):
    """Scans of one voxel whose value is their index; remembers how many have begun to load."""

    def __init__(self, count: int) -> None:
        super().__init__(range(count))
        self.begun = 0

    def __getitem__(self, index: int) -> Item:
        self.begun += 1
        return {"image": torch.full((1, 1, 1), float(index)), "index": index}


def run(dataset: Dataset, compute: Any = dict, write: Any = dict, jobs: int = 1) -> list[int]:
    return [item["index"] for item in finish_scans(dataset, compute, write, jobs, threading.Event())]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_items_come_in_the_order_of_the_scans(jobs: int) -> None:
    def compute(item: Item) -> Item:
        time.sleep(0.02 if item["index"] % 3 == 0 else 0)
        return item

    assert run(Scans(10), compute, jobs=jobs) == list(range(10))


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_as_many_scans_as_jobs_compute_at_a_time(jobs: int) -> None:
    full = threading.Event()
    busy: list[int] = []
    most = []

    def compute(item: Item) -> Item:
        busy.append(item["index"])
        most.append(len(busy))
        if len(busy) == jobs:
            full.set()
        assert full.wait(WAIT)
        busy.remove(item["index"])
        return item

    run(Scans(3 * jobs), compute, jobs=jobs)
    assert max(most) == jobs


@pytest.mark.parametrize("early", ["load", "write"])
def test_a_scan_loads_or_writes_while_another_computes(early: str) -> None:
    first, computing, done = threading.Event(), threading.Event(), threading.Event()

    class Loading(Scans):
        def __getitem__(self, index: int) -> Item:
            if early == "load" and index == 1:
                assert computing.wait(WAIT)
                done.set()
            if early == "write" and index == 1:
                assert first.wait(WAIT)  # or it might be the first to compute
            return super().__getitem__(index)

    def compute(item: Item) -> Item:
        first.set()
        if item["index"] == (0 if early == "load" else 1):
            computing.set()
            assert done.wait(WAIT)
        return item

    def write(item: Item) -> Item:
        if early == "write" and item["index"] == 0:
            assert computing.wait(WAIT)
            done.set()
        return item

    assert run(Loading(3), compute, write) == [0, 1, 2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_large_scans_than_jobs_are_in_memory(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "SMALL", 0)
    dataset, written, held = Scans(8), [], []

    def write(item: Item) -> Item:
        held.append(dataset.begun - len(written))
        written.append(item["index"])
        return item

    run(dataset, write=write, jobs=jobs)
    assert max(held) <= jobs


def test_a_finished_item_is_emptied_when_the_next_one_is_asked_for() -> None:
    items = finish_scans(Scans(3), dict, dict, 1, threading.Event())
    first = next(items)
    assert first["index"] == 0
    next(items)
    assert first == {}
    items.close()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_each_job_has_its_share_of_the_threads_of_torch(jobs: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(6)
    try:
        seen: list[int] = []
        run(Scans(4), lambda item: seen.append(torch.get_num_threads()) or item, jobs=jobs)
        assert set(seen) == {6 // jobs}
        assert torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)


def test_no_job_is_no_number_of_jobs() -> None:
    with pytest.raises(ValueError, match=r"jobs must be at least 1, got 0\. Pass how many"):
        run(Scans(1), jobs=0)


def test_a_run_that_breaks_off_ends_after_the_slices_in_the_network() -> None:
    class Breaking(nn.Identity):
        seen = 0

        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            self.seen += 1
            time.sleep(0.05)
            return noisy

    def load(item: Item) -> Item:
        values = torch.rand(1, 16, 16, 1 if item["image"] == ["a"] else 200)
        return {**item, "image": MetaTensor(values, meta={"files": item["image"], "slice_axis": 2})}

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    data = [{"image": [name], "outputs": [f"out/{name}"], "modality": "us"} for name in "ab"]
    network = Breaking()
    engine = ScanEvaluator("cpu", ScanDataset(data, load), network, SlicewiseInferer(1, progress=False), dict)
    engine.add_event_handler(Events.ITERATION_COMPLETED, interrupt)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    assert network.seen < 100
    assert not network._forward_pre_hooks


def test_results_reports_and_exit_code_are_those_of_one_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(1)
    for index in range(6):
        Image.fromarray(rng.integers(0, 255, (20, 24 + index), dtype=np.uint8)).save(tmp_path / "in" / f"{index}.png")
    (tmp_path / "in" / "3.png").write_bytes(b"no image")
    found = []
    for jobs in (1, 3):
        caplog.clear()
        with caplog.at_level("INFO", "monai_gan_denoise"):
            run = Denoiser(device="cpu").run(tmp_path / "in", tmp_path / f"{jobs}", modality="us", jobs=jobs)
        lines = [line.replace(str(tmp_path / f"{jobs}"), "OUT") for line in caplog.messages]
        outputs = {path.name: path.read_bytes() for path in (tmp_path / f"{jobs}").glob("*.png")}
        found.append((run.exit_code, [outcome.failure for outcome in run.outcomes], lines, outputs))
    assert found[0] == found[1]
    assert found[0][0] == 1
    assert len(found[0][3]) == 5
