"""The noise level as users tell it and are shown it: files, arrays, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from pydicom.data import get_testdata_file

from monai_gan_denoise import Denoiser, GanDenoised
from monai_gan_denoise.cli import main
from monai_gan_denoise.io import derive, large_series, noise_path, residual_path
from monai_gan_denoise.io import volume_series as series
from monai_gan_denoise.networks import GanDenoiser
from monai_gan_denoise.scans.errors import InputError

WIDTH = 255.0  # of the range of 8 bits
OWN = 0.04 * WIDTH  # what the stub estimates everywhere


class Shift(GanDenoiser):
    """Takes the level away from the image; its own estimate is 0.04 of the range."""

    def noise_level(self, noisy: torch.Tensor) -> torch.Tensor:
        return torch.full_like(noisy, OWN / WIDTH)

    def forward(self, noisy: torch.Tensor, level: torch.Tensor | None = None) -> torch.Tensor:
        return noisy - (self.noise_level(noisy) if level is None else level)


@pytest.fixture
def denoiser(two_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    """A denoiser that says by how much it darkens an image what it was told."""
    monkeypatch.setattr(GanDenoiser, "noise_level", Shift.noise_level)
    monkeypatch.setattr(GanDenoiser, "forward", Shift.forward)
    return Denoiser(two_weights, "cpu")


def gray(shape: tuple[int, ...] = (24, 20)) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, shape).astype(np.uint8)


@pytest.mark.parametrize(("level", "less"), [("auto", OWN), ("1.5x", 1.5 * OWN), (25, 25.0), ("12.5", 12.5)])
@pytest.mark.parametrize("shape", [(24, 20), (24, 20, 3)])
def test_an_array_is_denoised_at_the_level_that_is_told(
    denoiser: Denoiser, shape: tuple[int, ...], level: str | float, less: float
) -> None:
    values = gray(shape)
    result = denoiser.denoise(values, "us", noise_level=level)
    np.testing.assert_allclose(result.astype(float), values - less, atol=0.51)


def test_an_array_may_have_a_level_for_each_pixel(denoiser: Denoiser) -> None:
    values, level = gray(), np.linspace(0, 30, 480).reshape(24, 20)
    np.testing.assert_allclose(denoiser.denoise(values, "us", noise_level=level), values - level, atol=0.51)
    with pytest.raises(InputError, match=r"noise_level must be a map of the image's shape \(24, 20\), got \(20, 24\)"):
        denoiser.denoise(values, "us", noise_level=level.T)


@pytest.mark.parametrize("shape", [(24, 20), (24, 20, 3)])
def test_the_map_of_an_array_has_its_shape_and_units(denoiser: Denoiser, shape: tuple[int, ...]) -> None:
    level = denoiser.noise_map(gray(shape), "us")
    assert (level.dtype, level.shape) == (np.float32, shape)
    np.testing.assert_allclose(level, OWN, rtol=1e-5)
    hounsfield = denoiser.noise_map(10 * gray(shape).astype(np.float32), "ct")
    np.testing.assert_allclose(hounsfield, 3000 * OWN / WIDTH, rtol=1e-5)


def run(denoiser: Denoiser, source: Path, target: Path, **settings: object) -> None:
    evaluator = denoiser.run(source, target, modality="us", noise_map=True, **settings)
    assert [outcome.failure for outcome in evaluator.outcomes] == [None] * len(evaluator.outcomes)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.nrrd", "a.mha", "a.nii", "a.nii.gz"])
def test_the_map_lies_beside_the_result_in_float32_with_its_geometry(
    denoiser: Denoiser, name: str, tmp_path: Path
) -> None:
    source, target = tmp_path / name, tmp_path / "out"
    if ".nii" in name:
        nibabel.save(nibabel.Nifti1Image(gray((24, 20, 3)), np.diag([1, 2, 3, 1])), source)
    else:
        image = sitk.GetImageFromArray(gray() if name == "a.png" else gray((3, 24, 20)))
        image.SetSpacing((0.5, 2.0) if name == "a.png" else (0.5, 2.0, 3.0))
        sitk.WriteImage(image, str(source))
    run(denoiser, source, target, noise_level="2x")
    path = noise_path([target / name])
    assert path.is_file()
    result, level = (sitk.ReadImage(str(each)) for each in (target / name, path))
    assert level.GetPixelID() == sitk.sitkFloat32
    assert level.GetSize() == result.GetSize()
    if name.endswith((".nrrd", ".mha", ".nii", ".gz")):
        np.testing.assert_allclose(level.GetSpacing(), result.GetSpacing(), atol=1e-3)
        np.testing.assert_allclose(level.GetDirection(), result.GetDirection())
    np.testing.assert_allclose(sitk.GetArrayFromImage(level), 2 * OWN, rtol=1e-5)


def ct_series(folder: Path, places: tuple[float, ...]) -> Path:
    folder.mkdir()
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    for index, place in enumerate(places):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{index + 1}"
        dataset.ImagePositionPatient, dataset.InstanceNumber = [-10, -20, place], index + 1
        dataset.save_as(folder / f"{index}.dcm")
    return folder


def test_the_map_of_a_dicom_series_is_the_nifti_that_its_residual_is(denoiser: Denoiser, tmp_path: Path) -> None:
    run(denoiser, ct_series(tmp_path / "in", (0, 5, 10)), tmp_path / "out", residual=True, noise_level=24)
    outputs = [tmp_path / "out" / f"{index}.dcm" for index in range(3)]
    level, residual = (nibabel.load(name(outputs)) for name in (noise_path, residual_path))
    assert level.get_data_dtype() == np.float32
    assert level.shape == residual.shape
    assert np.array_equal(level.affine, residual.affine)
    np.testing.assert_allclose(level.get_fdata(), 24, rtol=1e-5)
    assert "Noise level 24." in pydicom.dcmread(outputs[0]).DerivationDescription


def test_slices_at_uneven_steps_have_no_map_and_a_line(
    denoiser: Denoiser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(denoiser, ct_series(tmp_path / "in", (0, 5, 17)), tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.noise.*"))
    assert any(line.startswith("No noise map: slices must lie at even steps") for line in caplog.messages)


def test_a_series_of_volumes_has_a_map_of_all(
    denoiser: Denoiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(gray((24, 20, 2, 3)), np.eye(4)), source)
    run(denoiser, source, tmp_path / "whole", noise_level="1.5x")
    monkeypatch.setattr(series, "LARGE", 0)
    assert large_series([str(source)]) is not None
    run(denoiser, source, tmp_path / "parts", noise_level="1.5x")
    for name in ("a.nii", "a.nii.noise.nii.gz"):
        whole, parts = (nibabel.load(tmp_path / folder / name) for folder in ("whole", "parts"))
        assert whole.shape == (24, 20, 2, 3)
        assert np.array_equal(whole.get_fdata(), parts.get_fdata())


def test_a_resumed_run_does_another_level_again(denoiser: Denoiser, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(gray()).save(tmp_path / "in" / "a.png")

    def skipped(**settings: object) -> bool:
        evaluator = denoiser.run(tmp_path / "in", tmp_path / "out", modality="us", resume=True, **settings)
        (outcome,) = evaluator.outcomes
        assert outcome.failure is None
        return bool(outcome.skipped)

    assert not skipped()
    assert skipped(noise_level="1x")
    assert not skipped(noise_level="1.5x")
    assert skipped(noise_level="1.50x")
    assert not skipped(noise_level=25)
    assert skipped(noise_level="25.0")
    assert not skipped(noise_level=25, noise_map=True)
    assert skipped(noise_level=25, noise_map=True)
    report = json.loads((tmp_path / "out" / "run_report.json").read_text())
    assert (report["settings"]["noise_level"], report["settings"]["noise_map"]) == ("25", True)
    assert report["scans"][0]["outputs"] == ["a.png", "a.png.noise.tiff"]


def test_an_old_map_is_not_replaced_unasked(denoiser: Denoiser, tmp_path: Path) -> None:
    Image.fromarray(gray()).save(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png.noise.tiff").write_bytes(b"mine")
    (outcome,) = denoiser.run(tmp_path / "a.png", tmp_path / "out", modality="us", noise_map=True).outcomes
    assert "OUTPUT must not exist" in str(outcome.failure)
    assert (tmp_path / "out" / "a.png.noise.tiff").read_bytes() == b"mine"


def test_auto_makes_what_it_made_before_there_were_levels() -> None:
    plain, told = derive("abc", 1, 1), derive("abc", 1, 1, noise_level="1.5x")
    assert derive("abc", 1, 1, noise_level="auto") == plain
    assert told.fingerprint != plain.fingerprint
    assert told.description == plain.description.replace("Denoised,", "Noise level 1.5x. Denoised,")


def test_a_run_takes_no_array(denoiser: Denoiser, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"noise_level must be auto, a number or a factor for a run, got a map\."):
        denoiser.run(tmp_path, tmp_path / "out", noise_level=np.ones((4, 4)))


@pytest.mark.parametrize("level", ["auto", "1.5x", 25])
def test_the_transform_takes_a_level(two_weights: Path, denoiser: Denoiser, level: str | float) -> None:
    image = gray()[None]
    result = GanDenoised("image", "us", device="cpu", weights=two_weights, noise_level=level)({"image": image})["image"]
    assert np.array_equal(result[0], denoiser.denoise(image[0], "us", noise_level=level))


def test_the_transform_refuses_what_is_no_level() -> None:
    with pytest.raises(ValueError, match="noise_level must be auto"):
        GanDenoised("image", "us", noise_level="25mm")


@pytest.mark.parametrize("level", ["-5", "0", "nan", "inf", "25mm", "abc", "x", "-1x"])
def test_what_is_no_level_is_one_line_before_any_work(
    level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(gray()).save(tmp_path / "a.png")
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(tmp_path / "a.png"), str(tmp_path / "out"), "--modality", "us", "--noise-level", level])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "noise_level must be auto, a positive number in the image's units such as 25, or a factor" in line
    assert repr(level) in line
    assert not (tmp_path / "out").exists()


def test_the_command_line_tells_the_level_and_writes_the_map(
    denoiser: Denoiser, two_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(gray()).save(tmp_path / "a.png")
    options = ["--modality", "us", "--noise-level", "50", "--noise-map", "--device", "cpu"]
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(tmp_path / "a.png"), str(tmp_path), "--weights", str(two_weights), *options])
    assert ended.value.code == 2  # the result would replace the input
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(tmp_path / "a.png"), str(tmp_path / "out"), "--weights", str(two_weights), *options])
    assert ended.value.code == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "noise level" in line]
    assert line == (
        f"{tmp_path / 'a.png'}: noise level 50 is far from the network's own estimate, 10.2 at the median pixel; "
        "it is used."
    )
    assert (tmp_path / "out" / "a.png.noise.tiff").is_file()
