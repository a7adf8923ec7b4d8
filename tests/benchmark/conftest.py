"""Images that tests of the benchmark share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark import Protocol, load_protocol
from monai_gan_denoise.benchmark.images import packaged_sources
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.task import Task, run_task


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a manifest: two sonograms and two radiographs to test on, a real pair, one image to train on."""
    draws = np.random.default_rng(14)
    folder = tmp_path / "data"
    folder.mkdir()
    sonogram, radiograph, bscan = phantoms.sonogram(64), phantoms.chest_radiograph(64), phantoms.bscan(64, 80)
    images = {
        "us_1.png": sonogram,
        "us_2.png": sonogram[:, ::-1],
        "xr_1.png": radiograph,
        "xr_2.png": radiograph[:, ::-1],
        "train.png": sonogram.T,
        "oct_clean.png": bscan,
        "oct_noisy.png": np.clip(0.8 * bscan + 0.1 + 0.1 * draws.standard_normal(bscan.shape), 0, 1),
    }
    for name, image in images.items():
        Image.fromarray(np.rint(255 * image).astype(np.uint8)).save(folder / name)
    rows = [
        "file,modality,split,kind,pair,source,patient",
        "us_1.png,us,test,clean,,here,p1",
        "us_2.png,us,test,clean,,here,p2",
        "xr_1.png,xray,test,clean,,,",
        "xr_2.png,xray,test,clean,,,",
        "train.png,us,train,clean,,here,p3",
        "oct_clean.png,oct,real_test,real_clean,eye,here,p4",
        "oct_noisy.png,oct,real_test,real_noisy,eye,here,p4",
    ]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Protocol, list[Task], list[Record]]:
    """A short run: the protocol, its tasks and their records, of a CT in HU and a sonogram."""
    protocol = load_protocol(quick=True).only(["ct/gaussian", "ct/low-dose", "us/gaussian", "us/clean"])
    sources = {source.modality: source for source in reversed(packaged_sources())}
    methods = ("noisy", "ours", "median", "gaussian", "tv")
    cache = tmp_path_factory.mktemp("cache")
    tasks = [Task(cell, sources[cell.modality], protocol, methods, None, cache) for cell in protocol.cells]
    return protocol, tasks, [record for task in tasks for record in run_task(task)]
