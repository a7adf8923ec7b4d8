"""The residual of a series has the true geometry of its slices, or there is none."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from monai_gan_denoise import Denoiser
from monai_gan_denoise.io.dicom import find_series, read, write_residual
from monai_gan_denoise.io.dicom.geometry import Plane
from monai_gan_denoise.io.dicom.grid import find_grid
from monai_gan_denoise.networks import GanDenoiser
from monai_gan_denoise.scans.errors import InputError

STEP = np.array([0.0, 0.4, 5.0])  # LPS millimeters from place to place, by a tilted gantry
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def slice_of(path: Path, place: float, number: int, **elements: Any) -> Path:
    """A CT slice of 20 x 24 pixels that all hold 1000."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    del dataset.PixelPaddingValue
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.Rows, dataset.Columns, dataset.PixelSpacing = 20, 24, [0.5, 0.75]
    dataset.PixelData = np.full((20, 24), 1000, np.int16).tobytes()
    dataset.ImagePositionPatient, dataset.InstanceNumber = [float(number) for number in place * STEP], number
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path


def series(folder: Path, places: list[float]) -> list[Path]:
    """Slices in the order in which they are acquired, as they are found again."""
    paths = [slice_of(folder / f"{index:02}.dcm", place, index) for index, place in enumerate(places)]
    ((found,), _) = find_series(paths)
    return list(found.files)


def residual_of(files: list[Path], frames: int, folder: Path) -> nibabel.Nifti1Image:
    """What is written where frame after frame loses 1, 2, 3, ... of its numbers."""
    removed = np.ones((20, 24, 1)) * np.arange(1, frames + 1)
    write_residual(files, removed, folder / "residual.nii.gz")
    return nibabel.load(folder / "residual.nii.gz")


def step_of(affine: np.ndarray) -> np.ndarray:
    return affine[:3, 2] * [-1, -1, 1]


def test_time_points_of_a_series_are_the_fourth_dimension(tmp_path: Path) -> None:
    files = series(tmp_path, [0, 1, 2] * 4)  # in time after time
    image = residual_of(files, 12, tmp_path)
    assert image.shape == (20, 24, 3, 4)
    np.testing.assert_allclose(step_of(image.affine), STEP, atol=1e-5)
    numbers = np.asarray(image.dataobj)
    assert (numbers == numbers[:1, :1]).all()
    for index, path in enumerate(files):
        dataset = pydicom.dcmread(path)
        time, place = divmod(int(dataset.InstanceNumber), 3)
        assert numbers[0, 0, place, time] == index + 1
        where = image.affine @ [0, 0, place, 1]
        np.testing.assert_allclose(where[:3] * [-1, -1, 1], dataset.ImagePositionPatient, atol=1e-5)


def test_time_points_of_one_slice_are_not_stacked_in_space(tmp_path: Path) -> None:
    image = residual_of(series(tmp_path, [2] * 5), 5, tmp_path)
    assert image.shape == (20, 24, 1, 5)
    np.testing.assert_array_equal(np.asarray(image.dataobj)[3, 4, 0], [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("places", "shape", "numbers"),
    [
        ([0, 1, 2, 0, 1, 2], (20, 24, 3, 2), [[1, 4], [2, 5], [3, 6]]),
        ([0, 0, 1, 1, 2, 2], (20, 24, 3, 2), [[1, 2], [3, 4], [5, 6]]),
        ([5, 4, 3, 2, 1, 0], (20, 24, 6), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_frames_of_one_object_keep_their_order(
    tmp_path: Path, places: list[float], shape: tuple[int, ...], numbers: list[Any]
) -> None:
    groups = []
    for place in places:
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [float(number) for number in place * STEP]
        group.PlanePositionSequence = [position]
        groups.append(group)
    elements = {"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": 6, "PerFrameFunctionalGroupsSequence": groups}
    pixels = np.full((6, 20, 24), 1000, np.int16).tobytes()
    image = residual_of([slice_of(tmp_path / "a.dcm", 0, 1, PixelData=pixels, **elements)], 6, tmp_path)
    assert image.shape == shape
    np.testing.assert_array_equal(np.asarray(image.dataobj)[0, 0], numbers)
    np.testing.assert_allclose(step_of(image.affine), STEP if places[0] == 0 else -STEP, atol=1e-5)


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ([0, 0, 1, 3, 4], "slices where another lies: 1, slices missing: 1, by the usual step of 5 mm, each slice is "),
        ([0, 1, 1, 2], "slices where another lies: 1, "),
        ([0, 1, 3, 4], "slices missing: 1, by the usual step of 5 mm, "),
        ([0, 1, 2.3, 4], "steps between slices range from 5 to 8.5 mm, "),
    ],
)
def test_slices_on_no_grid_have_no_residual(tmp_path: Path, places: list[float], reason: str) -> None:
    files = series(tmp_path, places)
    begin = re.escape(f"slices must lie at even steps for a residual, got {reason}")
    with pytest.raises(InputError, match=rf"^{begin}.* in .*00\.dcm\. Subtract the outputs yourself\.$"):
        residual_of(files, len(files), tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def planes(*heights: float | None, turns: tuple[float, ...] = (), way: int = 2) -> list[Plane]:
    cosines = [(float(np.cos(turn)), float(np.sin(turn)), 0.0) for turn in turns or [0.0] * len(heights)]
    origins = [None if height is None else tuple(height * np.eye(3)[way]) for height in heights]
    return [Plane(origin, cosine) for origin, cosine in zip(origins, cosines, strict=True)]


@pytest.mark.parametrize(
    "frames",
    [
        planes(0, 1, 2, turns=(0, 0.1, 0)),
        planes(0, None, 2),
        planes(0, 1, 2, way=0),  # side by side in one plane
        planes(0, 1, 1, 0),
        planes(0, 1, 0, 1, 0),
        planes(*(0.625 * number for number in range(300)), 0.625 * 301),
        planes(*(1 + 0.01 * number for number in range(0, 90)), *(2 + 0.02 * number for number in range(90))),
    ],
    ids=["turned", "unplaced", "in one plane", "there and back", "a rest", "one of 301 missing", "two steps"],
)
def test_what_no_matrix_is_true_of_has_no_grid(frames: list[Plane]) -> None:
    assert find_grid(frames) is None


def test_rounded_positions_are_a_grid() -> None:
    grid = find_grid(planes(*(round(0.625 * number, 2) for number in range(300))))
    assert grid is not None
    assert (grid.places, grid.times) == (300, 1)


@pytest.mark.parametrize("places", [[0, 1, 2] * 4, [0, 0, 1, 2], [1, 1]])
def test_the_affine_of_a_scan_steps_from_place_to_place(tmp_path: Path, places: list[float]) -> None:
    step = step_of(read(series(tmp_path, places)).affine)
    np.testing.assert_allclose(step, STEP if max(places) > 1 else [0, 0, 5], atol=1e-5)


@pytest.mark.parametrize("places", [[0, 1, 2], [0, 1, 3, 4]])
def test_where_no_residual_can_be_the_outputs_are_kept_and_a_line_says_so(
    tmp_path: Path, places: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: noisy.clone())
    files, out = series(tmp_path / "in", places), tmp_path / "out"
    residual = out / "00.dcm.residual.nii.gz"
    out.mkdir()
    residual.write_bytes(b"of an earlier run")
    even = places == [0, 1, 2]
    with caplog.at_level(logging.WARNING, "monai_gan_denoise.io.writer"):
        evaluator = Denoiser(device="cpu").run(tmp_path / "in", out, residual=True, overwrite=True)
    assert evaluator.exit_code == 0
    assert all((out / path.name).is_file() for path in files)
    said = [record.getMessage() for record in caplog.records if record.name == "monai_gan_denoise.io.writer"]
    assert len(said) == (0 if even else 1)
    assert all(line.startswith("No residual: slices must lie at even steps for a residual, got ") for line in said)
    assert residual.exists() == even
    (record,) = json.loads((out / "run_report.json").read_text())["scans"]
    names = [path.name for path in files]
    assert record["outputs"] == ([*names, residual.name] if even else names)
    assert record["bytes"] == sum((out / name).stat().st_size for name in record["outputs"])
