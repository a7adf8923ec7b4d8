"""How much memory a whole run takes above what it has once the weights are loaded, measured by the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import EnhancedCTImageStorage, generate_uid

import monai_gan_denoise
from monai_gan_denoise.io.volume_series import LARGE
from monai_gan_denoise.networks import GanDenoiser

SMALL = {"features": [4, 4], "blocks": 1, "refinement_features": 4, "refinement_blocks": 1}
OVERHEAD = 250e6  # bytes: libraries that load when they are needed, four slices in the network, blocks of a file
FLOAT = np.dtype(np.float32).itemsize

PROGRAM = """
import json, sys, threading
from monai.bundle import ConfigWorkflow

def memory(kind):
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(kind))

settings = json.loads(sys.argv[1])
run = ConfigWorkflow(workflow_type="infer", logging_file=False, progress=False, **settings)
run.initialize()
run.parser.get_parsed_content("network")
before, own = memory("VmRSS"), memory("RssAnon")
most = [0]
done = threading.Event()

def watch():
    while not done.wait(0.01):
        most.append(max(most.pop(), memory("RssAnon") - own))

watcher = threading.Thread(target=watch)
watcher.start()
run.run()
done.set()
watcher.join()
print(memory("VmHWM") - before, *most)
"""


def peak(root: Path, folder: Path, **settings: object) -> tuple[int, int]:
    """Bytes at the most, less those once the weights are loaded, of one run of the bundle with a small network.

    All memory; and that which is not of a file that the kernel drops from memory whenever it needs room.
    """
    torch.manual_seed(0)
    torch.save(GanDenoiser(**SMALL).state_dict(), folder / "small.pt")
    config = {
        "config_file": str(root / "configs" / "inference.json"),
        "meta_file": str(root / "configs" / "metadata.json"),
        "network_def": {"_target_": "monai_gan_denoise.networks.GanDenoiser", **SMALL},
        "weights": str(folder / "small.pt"),
        "output_dir": str(folder / "out"),
        **settings,
    }
    environment = {**os.environ, "PYTHONPATH": str(Path(monai_gan_denoise.__file__).parents[1])}
    words = [sys.executable, "-c", PROGRAM, json.dumps(config)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    whole, own = done.stdout.splitlines()[-1].split()
    return int(whole), int(own)


def slices(shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Noise around HU of tissue; no two slices are the same memory."""
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 40, shape[:2]).astype(np.int16)
    return [np.roll(noise, 7 * index, axis=0) + np.int16(index % 60) for index in range(shape[2])]


def nifti(folder: Path, shape: tuple[int, int, int], suffix: str, arranged: tuple[int, ...] | None = None) -> Path:
    path = folder / f"in{suffix}"
    values = np.stack(slices(shape), axis=-1).reshape(arranged or shape)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.7, 0.7, 1.5, 1])), path)
    return path


def series(folder: Path, shape: tuple[int, int, int]) -> Path:
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    del dataset.PixelPaddingValue
    dataset.Rows, dataset.Columns = shape[:2]
    (folder / "in").mkdir()
    for index, pixels in enumerate(slices(shape)):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(index)])
        dataset.InstanceNumber, dataset.ImagePositionPatient = index, [0, 0, 1.5 * index]
        dataset.PixelData = (pixels + np.int16(1024)).tobytes()
        dataset.save_as(folder / "in" / f"{index}.dcm")
    return folder / "in"


def enhanced(folder: Path, shape: tuple[int, int, int]) -> Path:
    """One Enhanced CT object, each of whose frames has a place of its own."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    for keyword in ("PixelPaddingValue", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = shape
    shared, rescale, groups = Dataset(), Dataset(), []
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, -1024, "HU"
    shared.PixelValueTransformationSequence = [rescale]
    dataset.SharedFunctionalGroupsSequence = [shared]
    for index in range(shape[2]):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 1.5 * index]
        group.PlanePositionSequence = [position]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = b"".join((pixels + np.int16(1024)).tobytes() for pixels in slices(shape))
    dataset.save_as(folder / "in.dcm")
    return folder / "in.dcm"


def stored(folder: Path, shape: tuple[int, int, int], kind: str) -> Path:
    """A CT of some kind: the suffix of NIfTI, a DICOM series, an Enhanced object."""
    if kind.startswith("."):
        return nifti(folder, shape, kind)
    return {"series": series, "enhanced": enhanced}[kind](folder, shape)


@pytest.mark.integration
@pytest.mark.parametrize("kind", [".nii", ".nii.gz", "series", "enhanced"])
def test_two_copies_of_a_volume_and_the_stored_one_are_the_most(bundle_root: Path, tmp_path: Path, kind: str) -> None:
    shape = (384, 384, 400)
    source = stored(tmp_path, shape, kind)
    size = int(np.prod(shape)) * FLOAT
    assert peak(bundle_root, tmp_path, dataset_dir=str(source), modality="ct")[0] < 2.2 * size + OVERHEAD


@pytest.mark.integration
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_series_takes_the_memory_of_a_volume_whatever_its_length(
    bundle_root: Path, tmp_path: Path, suffix: str
) -> None:
    shape = (256, 256, 8, 160)
    source = nifti(tmp_path, (256, 256, 8 * 160), suffix, shape)
    assert int(np.prod(shape)) > LARGE
    assert peak(bundle_root, tmp_path, dataset_dir=str(source), modality="mr", residual=True)[1] < OVERHEAD


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("kind", [".nii.gz", "series", "enhanced"])
def test_a_ct_of_600_slices_takes_less_than_1500_mb_and_its_own_size(
    bundle_root: Path, tmp_path: Path, kind: str
) -> None:
    shape = (512, 512, 600)
    source = stored(tmp_path, shape, kind)
    size = int(np.prod(shape)) * np.dtype(np.int16).itemsize
    assert peak(bundle_root, tmp_path, dataset_dir=str(source), modality="ct")[0] < 1.5e9 + size
