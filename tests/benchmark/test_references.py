"""Volumes and the low-contrast phantom beside the data: those of the split, and nothing that is for training."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_gan_denoise.benchmark import load_protocol
from monai_gan_denoise.benchmark.references import find_references

ROWS = """file,modality,split,kind,patient
volumes/head.nii.gz,mri,test,real,p1
volumes/chosen.nii.gz,mri,val,real,p2
volumes/learned.nii.gz,ct,train,real,p3
volumes/computed.nii.gz,mri,test,phantom_clean,
volumes/labels.nii.gz,label,test,labels,
pairs/lcdct_truth.nii.gz,ct,real_test,clean,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of references beside an empty folder of data."""
    (tmp_path / "data").mkdir()
    beside = tmp_path / "references"
    (beside / "volumes").mkdir(parents=True)
    (beside / "manifest.csv").write_text(ROWS)
    values = 600 * np.random.default_rng(0).random((24, 20, 5)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 3, 1])), beside / "volumes" / "head.nii.gz")
    return beside


@pytest.mark.parametrize(("split", "names"), [("test", ["head", "computed"]), ("val", ["chosen"])])
def test_volumes_are_those_of_the_split(folder: Path, split: str, names: list[str]) -> None:
    found = find_references(folder.parent / "data", split=split).volumes
    assert [source.name for source in found] == [f"volumes/{name}.nii.gz" for name in names]
    assert [source.noise_free for source in found] == [name == "computed" for name in names]


def test_a_slice_of_a_volume_has_the_narrowest_range_that_holds_it(folder: Path) -> None:
    image = find_references(folder.parent / "data").volumes[0].load(load_protocol())
    assert (image.lower, image.width) == (0, 1023)
    assert image.clean.shape == (24, 20)


def test_the_phantom_needs_its_truth_and_a_dose(folder: Path) -> None:
    assert find_references(None, folder).low_contrast is None
    (folder / "pairs").mkdir()
    for name in ("lcdct_truth", "lcdct_fbp_dose100"):
        (folder / "pairs" / f"{name}.nii.gz").touch()
    found = find_references(None, folder).low_contrast
    assert found is not None
    assert [dose for dose, _ in found.doses] == [100]


@pytest.mark.parametrize("data", [None, Path("nowhere")])
def test_what_is_absent_is_left_out_with_a_line(data: Path | None) -> None:
    found = find_references(data)
    assert (found.volumes, found.low_contrast) == ((), None)
    assert "no folder references beside --data" in found.missing


def test_a_folder_that_is_named_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"references must be a folder with manifest.csv, got"):
        find_references(None, tmp_path)
