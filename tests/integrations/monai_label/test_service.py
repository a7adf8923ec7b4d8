"""Requests to files, as MONAI Label hands them over; the command line is the oracle."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from pydicom.data import get_testdata_file
from torch import nn

from monai_gan_denoise import Denoiser
from monai_gan_denoise.integrations.monai_label.progress import progress_in_log
from monai_gan_denoise.integrations.monai_label.service import DenoisingService, DenoisingSettings
from monai_gan_denoise.scans.errors import InputError

NOISE = np.random.default_rng(5)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> DenoisingService:
    return DenoisingService(tmp_path_factory.mktemp("app"))


def nifti(path: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(NOISE.normal(500, 50, (24, 20, 2)).astype(np.int16), np.diag([1, 1, 3, 1])), path)
    return path


def test_a_nifti_is_denoised_as_by_the_command_line(service: DenoisingService, tmp_path: Path) -> None:
    source = nifti(tmp_path / "case.of.mine.nii.gz")
    result, done = service.denoise(source, {"modality": "mr", "strength": "0.5"})
    Denoiser(device="cpu").run(source, tmp_path / "line.nii.gz", modality="mr", strength=0.5)
    assert result.read_bytes() != source.read_bytes()
    answer, expected = nibabel.load(result), nibabel.load(tmp_path / "line.nii.gz")
    assert answer.header == expected.header
    assert np.array_equal(answer.dataobj, expected.dataobj)
    assert done == {
        "modality": "mr",
        "strength": 0.5,
        "perception": 0.0,
        "debias": "auto",
        "noise_level": "auto",
        "weights": "bundle",
    }
    result.unlink()


def test_a_png_stays_one(service: DenoisingService, tmp_path: Path) -> None:
    Image.fromarray(NOISE.integers(0, 256, (24, 20, 3)).astype(np.uint8)).save(tmp_path / "frame.png")
    result, _ = service.denoise(tmp_path / "frame.png", {"modality": "us"})
    with Image.open(result) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
    result.unlink()


def test_a_series_becomes_a_nifti_where_itk_puts_it(service: DenoisingService, tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    shutil.copy(str(get_testdata_file("MR_small.dcm", download=False)), tmp_path / "series")
    result, _ = service.denoise(tmp_path / "series", {})
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "series" / "MR_small.dcm")), str(tmp_path / "itk.nii"))
    answer, source = nibabel.load(result), nibabel.load(tmp_path / "itk.nii")
    assert answer.get_data_dtype() == np.float32
    assert answer.shape == source.shape
    np.testing.assert_allclose(answer.affine[:, :2], source.affine[:, :2], atol=1e-4)
    np.testing.assert_allclose(answer.affine[:, 3], source.affine[:, 3], atol=1e-4)
    assert np.corrcoef(np.ravel(answer.dataobj), np.ravel(source.dataobj))[0, 1] > 0.9
    result.unlink()


def test_a_series_is_stored_on_request_as_a_derived_one(tmp_path: Path) -> None:
    stored: list[pydicom.Dataset] = []

    def archive(files: Sequence[Path]) -> str:
        stored.extend(pydicom.dcmread(file) for file in files)
        return "1.2.3"

    service = DenoisingService(tmp_path, archive=archive)
    (tmp_path / "series").mkdir()
    shutil.copy(str(get_testdata_file("MR_small.dcm", download=False)), tmp_path / "series")
    assert service.options()["store"] is False
    result, done = service.denoise(tmp_path / "series", {"store": "true"})
    assert done["stored"] == "1.2.3"
    assert [dataset.ImageType[0] for dataset in stored] == ["DERIVED"]
    result.unlink()


def test_a_client_chooses_whether_the_bias_of_magnitudes_is_removed(service: DenoisingService) -> None:
    offered = service.options()
    assert DenoisingSettings.of({"debias": "auto"}, offered).debias == "auto"
    with pytest.raises(ValueError, match="debias must be one of auto, off, got 'on'"):
        DenoisingSettings.of({"debias": "on"}, offered)


def test_storing_without_an_archive_is_refused(service: DenoisingService, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="store must be false without an archive, got true"):
        service.denoise(nifti(tmp_path / "a.nii"), {"modality": "mr", "store": True})


def test_a_modality_that_nothing_tells_is_refused_with_the_cure_of_a_client(
    service: DenoisingService, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"got none in .+a\.nii\. Choose it: the parameter modality\.$"):
        service.denoise(nifti(tmp_path / "a.nii"), {})


def test_the_modality_of_the_app_is_taken_where_a_request_has_none(tmp_path: Path) -> None:
    result, done = DenoisingService(tmp_path, "mr").denoise(nifti(tmp_path / "a.nii"), {})
    assert done["modality"] == "mr"
    result.unlink()


def test_a_folder_of_two_series_is_refused(service: DenoisingService, tmp_path: Path) -> None:
    for name in ("MR_small.dcm", "CT_small.dcm"):
        shutil.copy(str(get_testdata_file(name, download=False)), tmp_path)
    with pytest.raises(InputError, match=r"image must be one series, got 2 in "):
        service.denoise(tmp_path, {})


def test_the_network_is_kept_until_other_weights_are_there(two_weights: Path, tmp_path: Path) -> None:
    service = DenoisingService(tmp_path)
    first = service.load()
    assert service.load() is first
    shutil.copytree(two_weights.parent, tmp_path / "model")
    assert service.options()["weights"] == ["trained", "bundle"]
    trained = service.load()
    assert trained is not first
    state = torch.load(two_weights.with_name("model_fidelity.pt"), weights_only=True)
    assert all(torch.equal(state[name], value) for name, value in trained.network.state_dict().items())
    half = DenoisingSettings.of({"perception": 0.5}, service.options())
    assert service.load(half) is not trained


def test_progress_is_logged_while_the_network_runs_and_not_afterwards(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 4.0, 5.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    network = nn.Identity()
    with caplog.at_level(logging.INFO), progress_in_log(network, "brain"):
        for _ in range(3):
            network(torch.zeros(4, 1, 16, 16))
    network(torch.zeros(4, 1, 16, 16))
    assert caplog.messages == ["brain: 8 slices denoised, 2.0 a second"]
