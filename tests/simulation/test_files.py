"""Noise on files: what is written, what it depends on, and that one bad file never stops the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
from torch import Generator, Tensor

from monai_gan_denoise.simulation import Simulation, simulate
from monai_gan_denoise.transforms.noise import LAWS, Law

GAUSSIAN = Simulation("gaussian", 0.1)


def ramp(dtype: type, low: float, high: float, shape: tuple[int, ...] = (40, 48)) -> np.ndarray:
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(dtype)


def nifti(path: Path, values: np.ndarray, zooms: tuple[float, ...] = (0.5, 0.5, 3.0)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([*zooms, 1])), path)
    return path


def raster(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
    return path


def series(folder: Path, count: int = 3) -> Path:
    """CT_small.dcm several times over, as the slices of one series."""
    folder.mkdir(parents=True)
    for number in range(count):
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        dataset.InstanceNumber, dataset.ImagePositionPatient[2] = number + 1, 5.0 * number
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
        dataset.save_as(folder / f"{number}.dcm")
    return folder


def read(path: Path) -> np.ndarray:
    if path.suffix == ".dcm":
        return pydicom.dcmread(path).pixel_array
    if path.suffix in (".nii", ".gz"):
        return np.asarray(nibabel.load(path).dataobj)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


MAKERS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "float NIfTI": ("a.nii.gz", "mr", lambda path: nifti(path, ramp(np.float32, 0, 900, (40, 48, 3)))),
    "int16 NIfTI": ("a.nii", "ct", lambda path: nifti(path, ramp(np.int16, -1000, 900, (40, 48, 3)))),
    "8-bit PNG": ("a.png", "xr", lambda path: raster(path, ramp(np.uint8, 0, 255))),
    "16-bit PNG": ("a.png", "ct", lambda path: raster(path, ramp(np.uint16, 24, 3000))),
    "float TIFF": ("a.tiff", "oct", lambda path: raster(path, ramp(np.float32, 0, 1))),
    "MHA": ("a.mha", "us", lambda path: raster(path, ramp(np.int16, 0, 4000, (3, 40, 48)))),
    "DICOM": ("a.dcm", "ct", lambda path: shutil.copyfile(str(get_testdata_file("CT_small.dcm")), path)),
}
SPAN = {"ct": 3000, "xr": 255}


@pytest.fixture(params=MAKERS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    name, modality, make = MAKERS[request.param]
    make(tmp_path / name)
    return tmp_path / name, modality


def test_the_stored_noise_has_the_deviation_asked_for_and_keeps_the_type(case: tuple[Path, str]) -> None:
    source, modality = case
    engine = simulate(source, source.parent / "out", Simulation("gaussian", 0.02), modality=modality)
    assert engine.exit_code == 0
    clean, noisy = read(source), read(source.parent / "out" / source.name)
    assert (noisy.dtype, noisy.shape) == (clean.dtype, clean.shape)
    span = SPAN.get(modality, float(clean.max()) - float(clean.min()))
    inside = (clean > np.quantile(clean, 0.2)) & (clean < np.quantile(clean, 0.8))  # away from the limits of the type
    change = noisy.astype(float) - clean
    assert change[inside].std() == pytest.approx(0.02 * span, rel=5 / np.sqrt(2 * inside.sum()))


def test_level_0_gives_every_stored_value_back(case: tuple[Path, str]) -> None:
    source, modality = case
    assert simulate(source, source.parent / "out", Simulation("gaussian", 0), modality=modality).exit_code == 0
    assert np.array_equal(read(source.parent / "out" / source.name), read(source))


def test_one_seed_gives_the_same_pixels_and_another_others(case: tuple[Path, str]) -> None:
    source, modality = case
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        simulate(source, source.parent / name, Simulation("gaussian", 0.1, seed), modality=modality)
    first, again, other = (read(source.parent / name / source.name) for name in ("first", "again", "other"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_float_files_stay_unclipped_and_integer_files_are_limited_to_their_type(tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "float.nii", ramp(np.float32, 0, 1))
    raster(tmp_path / "in" / "bits.png", ramp(np.uint8, 0, 255))
    nifti(tmp_path / "in" / "signed.nii", ramp(np.int8, -128, 127))
    assert simulate(tmp_path / "in", tmp_path / "out", Simulation("gaussian", 0.5), modality="mr").exit_code == 0
    floating = read(tmp_path / "out" / "float.nii")
    assert floating.min() < -0.5
    assert floating.max() > 1.5
    for name in ("bits.png", "signed.nii"):
        clean, noisy = (read(tmp_path / folder / name) for folder in ("in", "out"))
        info = np.iinfo(clean.dtype)
        for limit, rows in ((info.min, slice(None, 4)), (info.max, slice(-4, None))):
            # Half of the noise at a limit goes beyond it, and stops there instead of wrapping around.
            assert (noisy[rows] == limit).mean() == pytest.approx(0.5, abs=0.15)
            assert np.abs(noisy[rows].astype(float) - limit).mean() == pytest.approx(0.4 * 0.5 * 255, rel=0.25)


def test_other_files_and_their_order_do_not_matter(tmp_path: Path) -> None:
    values = ramp(np.float32, 0, 1, (20, 24, 2))
    nifti(tmp_path / "one" / "sub" / "m.nii", values)
    for name in ("a.nii", "sub/m.nii", "z.nii"):
        nifti(tmp_path / "many" / name, values)
    for folder in ("one", "many"):
        simulate(tmp_path / folder, tmp_path / "out" / folder, GAUSSIAN, modality="mr")
    alone = read(tmp_path / "out" / "one" / "sub" / "m.nii")
    assert np.array_equal(alone, read(tmp_path / "out" / "many" / "sub" / "m.nii"))
    others = [read(tmp_path / "out" / "many" / name) for name in ("a.nii", "z.nii")]
    noise = np.stack([(each - values)[..., index].ravel() for each in (alone, *others) for index in (0, 1)])
    assert np.abs(np.corrcoef(noise) - np.eye(6)).max() < 0.2  # different for each file and each slice


def test_a_dicom_series_becomes_a_derived_series_that_says_what_it_is(tmp_path: Path) -> None:
    source = series(tmp_path / "in")
    for name, simulation in (
        ("first", Simulation("gaussian", 0.02, 3)),
        ("again", Simulation("gaussian", 0.02, 3)),
        ("seed", Simulation("gaussian", 0.02, 4)),
        ("level", Simulation("gaussian", 0.03, 3)),
    ):
        assert simulate(source, tmp_path / name, simulation).exit_code == 0
    headers = {
        name: [pydicom.dcmread(path) for path in sorted((tmp_path / name).iterdir())]
        for name in ("in", "first", "again", "seed", "level")
    }
    first = headers["first"][0]
    assert first.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert first.DerivationDescription.startswith("Simulated noise: gaussian, level 0.02, seed 3. ")
    assert first.DerivationCodeSequence[0].CodeMeaning == "Pixel by pixel addition"
    assert first.SeriesDescription.endswith("(simulated noise)")
    assert first.SourceImageSequence[0].ReferencedSOPInstanceUID == headers["in"][0].SOPInstanceUID
    for keyword, count in (("SeriesInstanceUID", 1), ("SOPInstanceUID", 3)):
        uids = {name: {header[keyword].value for header in headers[name]} for name in headers}
        assert all(len(uids[name]) == count for name in headers)
        assert uids["first"] == uids["again"]
        assert len(set.union(*uids.values())) == 4 * count
    noise = np.stack(
        [
            (after.pixel_array - 0.0 - before.pixel_array).ravel()
            for before, after in zip(headers["in"], headers["first"], strict=True)
        ]
    )
    assert np.abs(np.corrcoef(noise) - np.eye(3)).max() < 0.1


def test_a_bad_file_is_named_in_one_line_and_the_rest_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raster(tmp_path / "in" / "a.png", ramp(np.uint8, 0, 255))
    (tmp_path / "in" / "cut.png").write_bytes(b"no image")
    nifti(tmp_path / "in" / "negative.nii", ramp(np.int16, -5, 900))
    raster(tmp_path / "in" / "z.png", ramp(np.uint8, 0, 255))
    with caplog.at_level("INFO", "monai_gan_denoise"):
        engine = simulate(tmp_path / "in", tmp_path / "out", Simulation("poisson", 0.1), modality="xr")
    assert engine.exit_code == 1
    lines = [record.message for record in caplog.records]
    assert lines[0] == f"{tmp_path / 'in' / 'a.png'} -> {tmp_path / 'out' / 'a.png'}"
    assert lines[1].startswith("files must be what their suffix says")
    assert lines[2].startswith("values must be at least 0 for poisson")
    assert str(tmp_path / "in" / "negative.nii") in lines[2]
    assert lines[-1] == "2 of 4 scans made noisy, 2 failed."
    assert len(lines) == 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "z.png"]


def test_an_error_of_the_law_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(image: Tensor, level: float, rng: Generator) -> Tensor:
        raise ValueError("level must be another, got this. Try again.")

    monkeypatch.setitem(LAWS, "broken", Law("broken", draw, ("us",), "nothing", (0, 1), (0.1, 0.2, 0.3)))
    source = raster(tmp_path / "a.png", ramp(np.uint8, 0, 255))
    engine = simulate(source, tmp_path / "out", Simulation("broken", 0.1), modality="us")
    assert engine.exit_code == 2
    assert engine.outcomes[0].failure == f"level must be another, got this. Try again. [{source}]"
    assert not (tmp_path / "out").exists()


def test_existing_results_are_kept_unless_overwrite_says_otherwise(tmp_path: Path) -> None:
    source = raster(tmp_path / "a.png", ramp(np.uint8, 0, 255))
    (tmp_path / "b.png").write_bytes(b"precious")
    assert simulate(source, tmp_path / "b.png", GAUSSIAN, modality="us").exit_code == 2
    assert (tmp_path / "b.png").read_bytes() == b"precious"
    assert simulate(source, tmp_path / "b.png", GAUSSIAN, modality="us", overwrite=True).exit_code == 0
    assert read(tmp_path / "b.png").shape == (40, 48)


def test_geometry_reaches_a_law_that_asks_for_it_and_no_geometry_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def draw(image: Tensor, level: float, rng: Generator, spacing: float) -> Tensor:
        asked.append(spacing)
        return image + level

    law = Law("spy", draw, ("ct",), "what is added", (0, 1), (0.1, 0.2, 0.3), {"spacing": 0.7})
    monkeypatch.setitem(LAWS, "spy", law)
    nifti(tmp_path / "in" / "a.nii", ramp(np.int16, 0, 90, (20, 24, 1)), (0.5, 0.8, 3.0))
    nifti(tmp_path / "in" / "b.nii", ramp(np.int16, 0, 90, (20, 24, 1)), (1.0, 1.0, 1.0))
    raster(tmp_path / "in" / "c.png", ramp(np.uint16, 0, 90))
    Image.fromarray(ramp(np.float32, 0, 90)).save(tmp_path / "in" / "d.tiff", dpi=(254, 254))
    assert simulate(tmp_path / "in", tmp_path / "out", Simulation("spy", 0.1), modality="ct").exit_code == 0
    # In whatever order: one scan is simulated while another is written.
    assert sorted(asked) == pytest.approx([0.1, 0.4**0.5, 0.7, 1.0], rel=1e-4)
