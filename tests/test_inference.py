"""Denoiser, the Python interface."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from monai.data import MetaTensor
from PIL import Image
from pydicom.data import get_testdata_file

from monai_gan_denoise import Denoiser
from monai_gan_denoise.networks import GanDenoiser, WeightsError, weights_hash
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan

TYPES = (np.float32, np.float64, np.uint8, np.int16, np.uint16)
SHAPES = ((20, 24), (20, 24, 3))


@pytest.fixture(scope="module")
def blurring() -> Denoiser:
    """A denoiser whose network is a 3 x 3 mean, which any slice can be checked against."""
    denoiser = Denoiser(device="cpu")
    denoiser.network.forward = mean_of_nine
    return denoiser


def mean_of_nine(noisy: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(noisy, (1, 1, 1, 1), mode="replicate"), 3, 1)


def blurred(values: np.ndarray) -> np.ndarray:
    """The same mean by NumPy, slice by slice over the last axis of a volume, in double precision."""
    padded = np.pad(values.astype(float), [(1, 1), (1, 1)] + [(0, 0)] * (values.ndim - 2), mode="edge")
    rows, columns = values.shape[:2]
    shifts = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.mean(shifts, axis=0)


def noise(shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(3).uniform(20, 230, shape).astype(dtype)


def test_a_scan_brings_the_range_of_its_8_bits() -> None:
    values = noise((20, 24))
    scan = Scan(values, np.eye(4), bit_range=(0, 255))
    denoiser = Denoiser(device="cpu")
    with torch.inference_mode():
        expected = 255 * denoiser.network(torch.as_tensor(values / 255)[None, None])[0, 0].numpy()
    result = denoiser.denoise(scan, "us")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", TYPES)
def test_an_array_keeps_type_shape_and_dtype_and_is_denoised(
    blurring: Denoiser, shape: tuple[int, ...], dtype: type
) -> None:
    values = noise(shape, dtype)
    before = values.copy()
    result = blurring.denoise(values, modality="us")
    assert type(result) is np.ndarray
    assert (result.shape, result.dtype) == (shape, np.dtype(dtype))
    tolerance = 0.5 if np.issubdtype(dtype, np.integer) else 1e-3
    np.testing.assert_allclose(result, blurred(values), atol=tolerance + 1e-3)
    assert np.array_equal(values, before)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", TYPES)
def test_a_tensor_keeps_type_shape_and_dtype_and_is_denoised(
    blurring: Denoiser, shape: tuple[int, ...], dtype: type
) -> None:
    values = torch.as_tensor(noise(shape, dtype))
    result = blurring.denoise(values, modality="us")
    assert type(result) is torch.Tensor
    assert (result.shape, result.dtype, result.device) == (values.shape, values.dtype, values.device)
    assert np.array_equal(result.numpy(), blurring.denoise(values.numpy(), modality="us"))


def test_a_meta_tensor_keeps_its_affine(blurring: Denoiser) -> None:
    values = MetaTensor(torch.as_tensor(noise((20, 24, 3))), affine=torch.diag(torch.tensor([2.0, 3.0, 4.0, 1.0])))
    result = blurring.denoise(values, modality="us")
    assert isinstance(result, MetaTensor)
    assert torch.equal(result.affine, values.affine)
    np.testing.assert_allclose(result.numpy(), blurred(values.numpy()), atol=1e-3)


@pytest.mark.parametrize("view", [np.s_[::-1, :], np.s_[:, ::2]], ids=["reversed", "strided"])
def test_a_view_is_denoised_as_its_copy_is(blurring: Denoiser, view: tuple[slice, ...]) -> None:
    values = noise((40, 48))[view]
    assert np.array_equal(blurring.denoise(values, "us"), blurring.denoise(values.copy(), "us"))


@pytest.mark.parametrize("dtype", TYPES)
def test_strength_0_gives_an_array_back_bit_by_bit(dtype: type) -> None:
    values = noise((20, 24), dtype)
    assert np.array_equal(Denoiser(device="cpu").denoise(values, modality="xr", strength=0), values)


def test_strength_one_half_removes_half(blurring: Denoiser) -> None:
    values = noise((20, 24))
    whole = values - blurring.denoise(values, modality="mr")
    half = values - blurring.denoise(values, modality="mr", strength=0.5)
    assert np.abs(whole).max() > 1
    np.testing.assert_allclose(half, whole / 2, atol=1e-3)


def test_the_range_is_found_once_for_a_volume_and_not_for_each_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: seen.append(noisy.clone()) or noisy)
    flat = noise((64, 64))
    volume = np.stack([flat, 3 * flat, flat + 1000], axis=-1)
    Denoiser(device="cpu", batch_size=3).denoise(volume, modality="mr")
    (slices,) = seen
    lower, upper = np.quantile(volume, (0.001, 0.999))
    expected = (np.moveaxis(volume, 2, 0) - lower) / (upper - lower)
    np.testing.assert_allclose(slices[:, 0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "dtype", "modality", "lower", "width"),
    [
        ("a.png", np.uint16, "ct", 0, 3000),  # HU + 1024
        ("a.tif", np.uint16, "ct", 0, 3000),
        ("a.tif", np.float32, "ct", -1024, 3000),  # HU
        ("a.nrrd", np.uint16, "ct", -1024, 3000),
        ("a.png", np.uint8, "ct", 0, 255),
        ("a.png", np.uint8, "oct", 0, 255),
        ("a.nii", np.uint8, "mri", 0, 255),
    ],
)
def test_numbers_are_meant_as_their_file_type_means_them(
    name: str, dtype: type, modality: str, lower: float, width: float, tmp_path: Path
) -> None:
    values = noise((20, 24), dtype)
    if name.endswith(".nii"):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / name)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / name))
    seen: list[torch.Tensor] = []
    denoiser = Denoiser(device="cpu")
    denoiser.network.forward = lambda noisy: seen.append(noisy.clone()) or noisy
    denoiser.denoise(tmp_path / name, modality=modality)
    expected = np.sort(((values.astype(float) - lower) / width).ravel())
    np.testing.assert_allclose(np.sort(seen[0].numpy().ravel()), expected, atol=1e-5)


def test_a_manifest_names_the_modality_also_by_its_long_name(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image(noise((20, 24)), np.eye(4)), tmp_path / "in" / "a.nii")
    for name, code in (("mri", 0), ("pet", 2)):
        (tmp_path / "in" / "manifest.csv").write_text(f"file,modality\na.nii,{name}\n")
        done = Denoiser(device="cpu").run(tmp_path / "in", tmp_path / name, strength=0)
        assert done.exit_code == code
    assert "modality must be one of ct, mr, xr, us, oct, got 'pet'. Pass one of these or correct manifest.csv." in str(
        done.outcomes[0].failure
    )


def test_a_nifti_file_gives_what_its_array_gives_and_what_the_files_hold(blurring: Denoiser, tmp_path: Path) -> None:
    values = noise((20, 24, 3), np.float32)
    path = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 4, 1])), path)
    from_path = blurring.denoise(path, modality="us")
    assert sorted(tmp_path.iterdir()) == [path]
    assert blurring.run(path, tmp_path / "out", modality="us").exit_code == 0
    from_file = np.asarray(nibabel.load(tmp_path / "out" / "scan.nii").dataobj)
    assert np.array_equal(from_path, blurring.denoise(values, modality="us"))
    assert np.array_equal(from_path, from_file)
    np.testing.assert_allclose(from_path, blurred(values), atol=1e-3)


@pytest.mark.parametrize(("spacing", "marked", "axis"), [((1, 5, 1), None, 1), ((1, 1, 1), None, 2), ((1, 5, 1), 0, 0)])
def test_a_file_is_cut_where_its_header_says(
    blurring: Denoiser, tmp_path: Path, spacing: tuple[int, ...], marked: int | None, axis: int
) -> None:
    values = noise((20, 24, 28))
    image = nibabel.Nifti1Image(values, np.diag([*spacing, 1]))
    if marked is not None:
        image.header.set_dim_info(slice=marked)
    nibabel.save(image, tmp_path / "scan.nii")
    expected = np.moveaxis(blurred(np.moveaxis(values, axis, 2)), 2, axis)
    np.testing.assert_allclose(blurring.denoise(tmp_path / "scan.nii", modality="us"), expected, atol=1e-3)


def test_a_path_takes_its_modality_from_the_header(blurring: Denoiser, tmp_path: Path) -> None:
    path = str(get_testdata_file("CT_small.dcm", download=False))
    dataset = pydicom.dcmread(path)
    result = blurring.denoise(path)
    assert result.dtype == np.float32
    hounsfield = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_allclose(result[1:-1, 1:-1], blurred(hounsfield)[1:-1, 1:-1], atol=0.01)


def test_a_path_in_the_current_folder_is_read(
    blurring: Denoiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = noise((20, 24))
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii")
    (tmp_path / "unwritten").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in (".", "scan.nii"):
        np.testing.assert_allclose(blurring.denoise(path, modality="us"), blurred(values), atol=1e-3)


def test_results_do_not_depend_on_the_batch_size(tmp_path: Path) -> None:
    values = noise((24, 20, 5))
    one, four = (Denoiser(device="cpu", batch_size=size).denoise(values, modality="mr") for size in (1, 4))
    np.testing.assert_allclose(one, four, atol=1e-2)


def test_results_do_not_depend_on_the_window(tmp_path: Path) -> None:
    Image.fromarray(noise((700, 20), np.uint8)).save(tmp_path / "a.png")
    denoiser = Denoiser(device="cpu")
    seen: list[int] = []
    denoiser.network.register_forward_pre_hook(lambda _, images: seen.append(images[0].shape[-2]))
    for window in (2048, 560):
        denoiser.run(tmp_path / "a.png", tmp_path / f"{window}", modality="us", window=window)
    assert seen == [700, *[560] * 9, 556]
    whole, joined = (np.asarray(Image.open(tmp_path / f"{window}" / "a.png"), int) for window in (2048, 560))
    assert np.abs(whole - joined).max() <= 1  # a value in the middle of two may be rounded to either
    assert np.mean(whole != joined) < 0.001


@pytest.mark.parametrize(
    ("values", "modality", "strength", "reason"),
    [
        (noise((20, 24)), "pet", 1.0, "modality must be one of ct, mr, xr, us, oct, got 'pet'"),
        (noise((20, 24)), None, 1.0, "modality must be one of ct, mr, xr, us, oct, got 'None'"),
        (noise((20, 24)), "ct", 1.5, r"strength must be in \[0, 1\], got 1.5"),
        (noise((20,)), "ct", 1.0, r"x must be \(H, W\) or \(H, W, D\), got shape \(20,\)"),
        (noise((2, 2, 20, 24)), "ct", 1.0, r"got shape \(2, 2, 20, 24\)"),
        (noise((15, 24)), "ct", 1.0, "at least 16 pixels wide and high, got 15 x 24 in the array"),
        (np.full((20, 24), np.nan), "ct", 1.0, "values must be finite, got 480 NaN or infinite in the array"),
        (noise((20, 24), np.float64) * 1e60, "mr", 1.0, "values must be finite, got 480 NaN or infinite in the array"),
        (noise((20, 24)) * 1j, "ct", 1.0, "x must hold integers or floating numbers, got complex"),
        (np.zeros((20, 24, 0)), "ct", 1.0, "must hold one slice or more, got shape .20, 24, 0. in the array"),
        ([[1.0] * 20] * 20, "ct", 1.0, "x must be a path, a NumPy array or a torch tensor, got list"),
        (noise((20, 24)) > 100, "ct", 1.0, "x must hold integers or floating numbers, got bool"),
    ],
)
def test_what_cannot_be_denoised_is_refused(
    blurring: Denoiser, values: np.ndarray, modality: str | None, strength: float, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        blurring.denoise(values, modality=modality, strength=strength)


def test_a_path_that_cannot_be_denoised_is_refused(blurring: Denoiser, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"INPUT must exist, got .*absent\.nii"):
        blurring.denoise(tmp_path / "absent.nii", modality="mr")
    for name in ("a.nii", "b.nii"):
        nibabel.save(nibabel.Nifti1Image(noise((20, 24)), np.eye(4)), tmp_path / name)
    with pytest.raises(InputError, match=r"x must be one image or series, got 2 in .* Use run for a folder"):
        blurring.denoise(tmp_path, modality="mr")
    with pytest.raises(InputError, match=r"modality must be one of .*, got none in .*a\.nii"):
        blurring.denoise(tmp_path / "a.nii")


def test_bfloat16_comes_back_with_its_eight_bits_of_precision(blurring: Denoiser) -> None:
    given = torch.as_tensor(noise((20, 24))).bfloat16()
    denoised = blurring.denoise(given, modality="us")
    assert denoised.dtype == torch.bfloat16
    np.testing.assert_allclose(denoised.float(), blurred(given.float().numpy()), rtol=2**-8 * 1.001)
    assert torch.equal(blurring.denoise(given, modality="us", strength=0), given)


def test_a_bundle_and_weights_whose_path_holds_a_number_sign_are_found(bundle_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "case #3" / "bundle"
    shutil.copytree(bundle_root, root)
    for denoiser in (Denoiser(bundle_root=root), Denoiser(root / "models" / "model.pt")):
        assert isinstance(denoiser.network, GanDenoiser)


def test_a_device_that_is_not_there_is_refused() -> None:
    for device in ("foo", "meta", ""):
        with pytest.raises(ValueError, match=f"device must be one that torch can use here, got '{device}'"):
            Denoiser(device=device)


def test_a_path_that_looks_like_a_config_expression_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blurring: Denoiser
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("$raise_(1)", "@modality", "%macro", "case#3", "a@#b"):
        source = tmp_path / folder / "a.png"
        source.parent.mkdir()
        Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(source)
        assert blurring.run(folder, f"{folder}-out", modality="us").exit_code == 0
        assert (tmp_path / f"{folder}-out" / "a.png").is_file()


def test_perception_1_and_0_are_the_two_weights_bit_by_bit(two_weights: Path) -> None:
    values = noise((20, 24))
    adversarial, fidelity = (
        Denoiser(two_weights.with_name(name), device="cpu", perception=1).denoise(values, "us")
        for name in ("model.pt", "model_fidelity.pt")
    )
    assert np.abs(adversarial - fidelity).max() > 0.1
    for perception, expected in ((1, adversarial), (0, fidelity), (None, fidelity)):
        denoiser = Denoiser(two_weights, device="cpu", perception=perception)
        assert np.array_equal(denoiser.denoise(values, "us"), expected)


def test_perception_between_runs_the_mean_of_the_weights(two_weights: Path) -> None:
    states = [torch.load(two_weights.with_name(name)) for name in ("model_fidelity.pt", "model.pt")]
    network = Denoiser(two_weights, device="cpu", perception=0.25).network
    for name, value in network.state_dict().items():
        mean = np.average([state[name].double().numpy() for state in states], axis=0, weights=[3, 1])
        np.testing.assert_allclose(value.numpy(), mean, rtol=1e-5, atol=1e-7)


def test_results_name_the_weights_that_ran_the_perception_and_the_strength(two_weights: Path, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(noise((20, 24)), np.eye(4)), tmp_path / "a.nii")
    source, uids = get_testdata_file("CT_small.dcm", download=False), set()
    for perception in (0, 0.25, 1):
        denoiser = Denoiser(two_weights, device="cpu", perception=perception)
        out = tmp_path / str(perception)
        denoiser.run(tmp_path / "a.nii", out, modality="mr", strength=0.75)
        denoiser.run(str(source), out, strength=0.75)
        settings = f"weights {weights_hash(denoiser.network)}, perception {perception}, strength 0.75."
        assert settings in nibabel.load(out / "a.nii").header["descrip"].item().decode()
        result = pydicom.dcmread(out / "CT_small.dcm")
        assert settings in result.DerivationDescription
        uids.add(result.SOPInstanceUID)
    assert len(uids) == 3


def test_without_fidelity_weights_perception_is_1(two_weights: Path) -> None:
    two_weights.with_name("model_fidelity.pt").unlink()
    results = [Denoiser(two_weights, device="cpu", perception=p).denoise(noise((20, 24)), "us") for p in (1, None)]
    assert np.array_equal(*results)
    assert results[0].shape == (20, 24)
    with pytest.raises(WeightsError, match=r"perception must be 1 without .*model_fidelity\.pt, got 0\.5"):
        Denoiser(two_weights, device="cpu", perception=0.5)


@pytest.mark.parametrize("perception", [-1, 2, float("nan")])
def test_a_perception_that_is_no_share_is_refused(perception: float) -> None:
    with pytest.raises(ValueError, match=rf"perception must be in \[0, 1\], got {perception}"):
        Denoiser(device="cpu", perception=perception)


@pytest.mark.parametrize("setting", ["weights", "perception", "device"])
def test_a_run_cannot_change_the_network(blurring: Denoiser, tmp_path: Path, setting: str) -> None:
    with pytest.raises(ValueError, match=f"settings must be those of a run, got {setting}. Pass it to Denoiser."):
        blurring.run(tmp_path, tmp_path / "out", **{setting: 0})
