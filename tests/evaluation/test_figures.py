"""Figures of pairs in several formats, against scikit-image on the arrays themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pydicom.data
import pytest
import SimpleITK as sitk
from PIL import Image
from skimage import metrics

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark.protocol import load_protocol
from monai_gan_denoise.evaluation.pairs import Pair
from monai_gan_denoise.evaluation.scored_pair import measure_pair

Save = Callable[[str, np.ndarray], Path]
PROTOCOL = load_protocol()
DRAWS = np.random.default_rng(6)
SPACED = np.diag([1, 1, 3, 1])


def pair(clean: Path, pred: Path, modality: str | None, noisy: Path | None = None) -> Pair:
    return Pair("x", modality, (clean,), (pred,), (noisy,) if noisy else ())


def volume(path: Path, values: np.ndarray, affine: np.ndarray | None = SPACED) -> Path:
    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), affine), path)
    return path


def as_itk(path: Path, values: np.ndarray, spacing: float = 1, origin: float = 0) -> Path:
    image = sitk.GetImageFromArray(values.astype(np.float32).T)
    image.SetSpacing([spacing, 1, 3])
    image.SetOrigin([origin, 0, 0])
    sitk.WriteImage(image, str(path))
    return path


def dicom(path: Path, values: np.ndarray, position: list[float] | None) -> Path:
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
    dataset.PixelData = values.astype(np.int16).tobytes()
    dataset.ImagePositionPatient = position
    dataset.save_as(path)
    return path


def test_an_8_bit_image_is_scored_over_255_without_a_modality(save: Save) -> None:
    x, y, z = DRAWS.integers(0, 256, (3, 40, 50)).astype(np.uint8)
    found = measure_pair(pair(save("x.png", x), save("y.png", y), None, save("z.png", z)), PROTOCOL)
    assert found.width == 255
    for score, output in ((found.score, y), (found.noisy, z)):
        assert score is not None
        assert score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(x, output, data_range=255))
        assert score.ssim == pytest.approx(metrics.structural_similarity(x, output, data_range=255))
        assert score.rmse == pytest.approx(np.sqrt(metrics.mean_squared_error(x, output)) / 255)


@pytest.mark.parametrize("times", [1, 2])
def test_a_volume_has_the_psnr_of_its_voxels_and_the_mean_ssim_of_its_slices(tmp_path: Path, times: int) -> None:
    clean = DRAWS.uniform(0, 4000, (30, 24, 5, times))
    output = np.clip(clean + DRAWS.normal(0, 1, clean.shape) * np.arange(1, 6)[:, None] * 40, 0, 4095)
    clean, output = clean.astype(np.float32), output.astype(np.float32)
    found = measure_pair(pair(volume(tmp_path / "x.nii", clean), volume(tmp_path / "y.nii", output), "mr"), PROTOCOL)
    slices = [(clean[:, :, z, t], output[:, :, z, t]) for z in range(5) for t in range(times)]
    similarities = [metrics.structural_similarity(x, y, data_range=4095) for x, y in slices]
    assert found.width == 4095
    assert found.score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(clean, output, data_range=4095))
    assert found.score.ssim == pytest.approx(np.mean(similarities), abs=1e-5)


def test_ct_of_16_bits_is_read_in_hu_and_has_the_bias_of_its_tissues(save: Save) -> None:
    hu = np.rint(3000 * phantoms.abdomen(128) - 1024)
    shifted = hu - 12 * ((hu >= -190) & (hu <= -30))
    stored = [(values + 1024).astype(np.uint16) for values in (hu, shifted)]
    found = measure_pair(pair(save("x.png", stored[0]), save("y.png", stored[1]), "ct"), PROTOCOL)
    assert found.width == 3000
    assert found.bias["fat"] == pytest.approx(-12)
    assert found.bias["soft_tissue"] == pytest.approx(0)
    assert found.score.mse == pytest.approx(metrics.mean_squared_error(hu, shifted) / 3000**2)


def test_other_images_of_16_bits_hold_no_offset(save: Save) -> None:
    x, y = DRAWS.integers(0, 4096, (2, 32, 32)).astype(np.uint16)
    found = measure_pair(pair(save("x.png", x), save("y.png", y), "mr"), PROTOCOL)
    assert found.score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(x, y, data_range=4095))
    assert not found.bias


def test_ct_of_8_bits_is_not_in_hu_and_has_no_bias(save: Save) -> None:
    x, y = DRAWS.integers(0, 256, (2, 32, 32)).astype(np.uint8)
    assert not measure_pair(pair(save("x.png", x), save("y.png", y), "ct"), PROTOCOL).bias


@pytest.mark.parametrize(
    ("modality", "limits", "low", "high"),
    [("ct", (None, 2000.0), -1024, 976), ("mr", (None, 2000.0), 0, 2000), ("ct", (-160.0, 240.0), -160, 240)],
)
def test_a_range_that_is_given_limits_both_images(
    tmp_path: Path, modality: str, limits: tuple[float | None, float], low: float, high: float
) -> None:
    x, y = DRAWS.uniform(-1000, 3000, (2, 30, 24, 3)).astype(np.float32)
    found = measure_pair(pair(volume(tmp_path / "x.nii", x), volume(tmp_path / "y.nii", y), modality), PROTOCOL, limits)
    limited = [np.clip(values, low, high) for values in (x, y)]
    assert found.width == high - low
    assert found.score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(*limited, data_range=high - low))


def test_another_shape_is_refused_with_both_files(save: Save) -> None:
    files = save("x.png", np.zeros((20, 20), np.uint8)), save("y.png", np.zeros((20, 24), np.uint8))
    with pytest.raises(ValueError, match=r"must have the shape \(20, 20\) of \S+x.png, got \(20, 24\) in \S+y.png"):
        measure_pair(pair(*files, "us"), PROTOCOL)


def test_an_unknown_modality_is_refused_where_the_range_hangs_on_it(tmp_path: Path) -> None:
    files = [volume(tmp_path / f"{name}.nii", np.ones((20, 20, 2))) for name in "xy"]
    with pytest.raises(ValueError, match=r"modality must be one of .* Pass --modality, --data-range or"):
        measure_pair(pair(*files, None), PROTOCOL)
    assert measure_pair(pair(*files, None), PROTOCOL, (None, 5.0)).score.mse == 0


def test_values_below_0_are_refused_where_the_range_is_the_benchmarks(tmp_path: Path) -> None:
    x, y = DRAWS.uniform(-5, 3, (2, 30, 24, 3)).astype(np.float32)
    files = volume(tmp_path / "x.nii", x), volume(tmp_path / "y.nii", y)
    with pytest.raises(ValueError, match=rf"at least 0, got {x.min():g} in \S+x.nii. Pass --data-range LOW:HIGH"):
        measure_pair(pair(*files, "mr"), PROTOCOL)
    found = measure_pair(pair(*files, "mr"), PROTOCOL, (-5.0, 3.0))
    assert found.score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(x, y, data_range=8))


def test_ct_in_hu_has_a_range_below_0(tmp_path: Path) -> None:
    x, y = DRAWS.uniform(-1024, 1900, (2, 30, 24, 3)).astype(np.float32)
    found = measure_pair(pair(volume(tmp_path / "x.nii", x), volume(tmp_path / "y.nii", y), "ct"), PROTOCOL)
    assert found.score.psnr == pytest.approx(metrics.peak_signal_noise_ratio(x, y, data_range=3000))


def test_a_volume_of_another_place_is_refused_with_both_files(tmp_path: Path) -> None:
    values = DRAWS.uniform(0, 4000, (30, 24, 5))
    shifted, flipped = SPACED.astype(float), SPACED @ np.diag([-1, 1, 1, 1])
    shifted[0, 3] = 99
    clean = volume(tmp_path / "x.nii", values)
    for affine, most in ((shifted, 99), (flipped, 2)):
        other = volume(tmp_path / "y.nii", values, affine)
        with pytest.raises(ValueError, match=rf"affine of \S+x.nii, got one .* up to {most} in \S+y.nii. Register or"):
            measure_pair(pair(clean, other, "mr"), PROTOCOL)
        with pytest.raises(ValueError, match="must have the affine of"):
            measure_pair(pair(clean, clean, "mr", other), PROTOCOL)
    assert measure_pair(pair(clean, volume(tmp_path / "y.nii", values, SPACED + 4e-4), "mr"), PROTOCOL).score.mse == 0


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_places_are_compared_across_formats(tmp_path: Path, suffix: str) -> None:
    values = DRAWS.uniform(0, 4000, (30, 24, 5))
    clean = volume(tmp_path / "x.nii", values, np.diag([-1, -1, 3, 1]))  # ITK's axes point the other way
    same = as_itk(tmp_path / f"y.{suffix}", values)
    assert measure_pair(pair(clean, same, "mr"), PROTOCOL).score.mse == 0
    with pytest.raises(ValueError, match="must have the affine of"):
        measure_pair(pair(clean, as_itk(tmp_path / f"z.{suffix}", values, origin=7), "mr"), PROTOCOL)


def test_images_that_say_no_place_are_compared(tmp_path: Path) -> None:
    values = DRAWS.uniform(0, 4000, (30, 24, 5))
    bare = volume(tmp_path / "bare.nii", values, None)
    assert measure_pair(pair(volume(tmp_path / "x.nii", values), bare, "mr"), PROTOCOL).score.mse == 0
    plain = as_itk(tmp_path / "x.nrrd", values)
    lines = [line for line in plain.read_bytes().split(b"\n", 12) if not line.startswith((b"space", b"kinds"))]
    plain.write_bytes(b"\n".join(lines))
    assert measure_pair(pair(plain, as_itk(tmp_path / "y.nrrd", values, spacing=2), "mr"), PROTOCOL).score.mse == 0


def test_dicom_is_compared_by_place_where_it_says_one(tmp_path: Path) -> None:
    values = DRAWS.integers(0, 4000, (64, 64))
    clean = dicom(tmp_path / "x.dcm", values, [0, 0, 0])
    assert measure_pair(pair(clean, dicom(tmp_path / "y.dcm", values, None), "mr"), PROTOCOL).score.mse == 0
    with pytest.raises(ValueError, match="must have the affine of"):
        measure_pair(pair(clean, dicom(tmp_path / "z.dcm", values, [0, 50, 0]), "mr"), PROTOCOL)


def test_pictures_of_another_resolution_are_compared(tmp_path: Path) -> None:
    values = DRAWS.integers(0, 256, (32, 32)).astype(np.uint8)
    for name, dots in (("x.png", 72), ("y.tif", 300)):
        Image.fromarray(values).save(tmp_path / name, dpi=(dots, dots))
    assert measure_pair(pair(tmp_path / "x.png", tmp_path / "y.tif", "us"), PROTOCOL).score.mse == 0
