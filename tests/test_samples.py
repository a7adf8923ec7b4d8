"""The sample inputs that the default run uses."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image

from monai_gan_denoise import phantoms
from monai_gan_denoise.samples import temporary_samples, write_samples

MODALITIES = {"ct", "mr", "xr", "us", "oct"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "new" / "folder")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read(path: Path) -> np.ndarray:
    if path.suffix == ".dcm":
        return pydicom.dcmread(path).pixel_array.astype(float)
    return np.asarray(nibabel.load(path).dataobj if path.suffix == ".gz" else Image.open(path)).astype(float)


def content(path: Path) -> bytes:
    """A file's bytes; of DICOM all but when it was written."""
    if path.suffix != ".dcm":
        return path.read_bytes()
    dataset = pydicom.dcmread(path)
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"):
        dataset.pop(keyword, None)
    for step in dataset.get("ContributingEquipmentSequence", ()):
        step.pop("ContributionDateTime", None)
    return repr(dataset.to_json_dict()).encode()


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(content(path)).hexdigest() for path in files}


def test_every_modality_has_noisy_and_clean_files_that_the_manifest_lists(samples: Path) -> None:
    assert {path.name for path in samples.iterdir()} == MODALITIES | {"manifest.csv"}
    for modality in MODALITIES:
        assert {path.name for path in (samples / modality).iterdir()} == {"noisy", "clean"}
    listed = [row["file"] for row in rows(samples)]
    assert sorted(listed) == sorted(name for name in digest(samples) if name != "manifest.csv")
    for row in rows(samples):
        modality, kind, _ = row["file"].split("/")
        assert (row["modality"], row["kind"]) == (modality, kind)


def test_the_noise_is_real_and_moderate_in_every_pair(samples: Path) -> None:
    clean = {row["pair"]: row["file"] for row in rows(samples) if row["kind"] == "clean"}
    noisy = {row["pair"]: row["file"] for row in rows(samples) if row["kind"] == "noisy"}
    assert clean.keys() == noisy.keys()
    assert len(clean) == 6
    for pair in clean:
        before, after = read(samples / clean[pair]), read(samples / noisy[pair])
        assert before.shape == after.shape
        share = np.std(after - before) / np.std(before)
        assert 0.02 < share < 0.8, pair
        assert (after != before).mean() > 0.2, pair
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.75, pair


def test_the_same_bits_come_at_every_call(samples: Path, tmp_path: Path) -> None:
    write_samples(tmp_path)
    assert digest(tmp_path) == digest(samples)
    write_samples(tmp_path)
    assert digest(tmp_path) == digest(samples)


def test_temporary_samples_go_when_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    monkeypatch.setattr("atexit.register", lambda *call, **options: ends.append((call, options)))
    folder = Path(temporary_samples())
    assert {row["modality"] for row in rows(folder)} == MODALITIES
    ((function, path), options) = ends[0]
    function(path, **options)
    assert not folder.exists()


@pytest.mark.parametrize("draw", [phantoms.chest_radiograph, phantoms.sonogram, phantoms.bscan])
def test_a_phantom_fills_its_range_and_holds_no_noise(draw: object) -> None:
    image = draw()  # type: ignore[operator]
    assert image.min() >= 0
    assert image.max() <= 1
    assert np.ptp(image) > 0.7
    steps = np.abs(np.diff(image, axis=1))
    assert np.median(steps) < 0.01
    assert np.array_equal(image, draw())  # type: ignore[operator]


def test_noisy_dicom_samples_do_not_call_themselves_denoised(tmp_path: Path) -> None:
    write_samples(tmp_path)
    header = pydicom.dcmread(tmp_path / "ct" / "noisy" / "CT_small.dcm", stop_before_pixels=True)
    assert header.SeriesDescription.endswith("(simulated noise)")
    assert "denoised" not in str(header).lower().replace("monai_gan_denoise", "")
