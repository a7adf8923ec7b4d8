"""What is written: where nothing was removed, the input's stored values and header, in every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch.nn.functional as F
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
from torch import Tensor

from monai_gan_denoise import Denoiser
from monai_gan_denoise.io import ScanWriter
from monai_gan_denoise.io.writer import residual_path
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

rng = np.random.default_rng(11)
OBLIQUE = np.array([[-1.9, 0.2, 0.1, 10], [0.2, 1.9, -0.3, -20], [0.1, 0.3, 3.9, 30], [0, 0, 0, 1.0]])


def spread(dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """Values over the whole range of an integer type, ends included; for floats, with fractions and both signs."""
    if np.issubdtype(dtype, np.integer):
        values = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
        values.flat[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
        return values
    return rng.normal(100, 1000, shape).astype(dtype)


def nifti(dtype: type, slope: float = 1, inter: float = 0) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = nibabel.Nifti1Image(spread(dtype, (20, 18, 3)), OBLIQUE)
        image.header["scl_slope"], image.header["scl_inter"] = slope, inter
        image.header.set_xyzt_units("mm", "sec")
        image.header["intent_name"] = b"what it is"
        path = folder / "scan.nii.gz"
        nibabel.save(image, path)
        if slope != 1:  # nibabel sets its own scaling when it saves
            plain = path.with_name("scan.nii")
            nibabel.save(image, plain)
            raw = bytearray(plain.read_bytes())
            raw[112:120] = np.array([slope, inter], "<f4").tobytes()
            plain.write_bytes(raw)
            path.unlink()
            return plain
        return path

    return make


def dicom(dtype: type, bits: int, slope: float | None = None) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        signed = np.issubdtype(dtype, np.signedinteger)
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        pixels = rng.integers(low, high, (24, 20), endpoint=True).astype(dtype)
        pixels.flat[:2] = low, high
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * pixels.itemsize, bits, bits - 1
        dataset.PixelRepresentation = int(signed)
        for keyword in ("PixelPaddingValue", "RescaleSlope", "RescaleIntercept"):
            if keyword in dataset:
                del dataset[keyword]
        if slope is not None:
            dataset.RescaleSlope, dataset.RescaleIntercept = slope, -1024
        dataset.Modality, dataset.PixelData = "CT", pixels.tobytes()
        dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(dtype)])
        dataset.save_as(folder / "scan.dcm")
        return folder / "scan.dcm"

    return make


def raster(name: str, dtype: type, shape: tuple[int, ...] = (24, 20)) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        sitk.WriteImage(sitk.GetImageFromArray(spread(dtype, shape)), str(folder / name))
        return folder / name

    return make


def volume(name: str, dtype: type) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = sitk.GetImageFromArray(spread(dtype, (3, 24, 20)))
        image.SetSpacing((0.5, 0.75, 3))
        image.SetOrigin((-10, 20, 30.5))
        image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
        sitk.WriteImage(image, str(folder / name), useCompression=True)
        return folder / name

    return make


SOURCES: dict[str, Callable[[Path], Path]] = {
    "NIfTI int16": nifti(np.int16),
    "NIfTI uint8": nifti(np.uint8),
    "NIfTI float32": nifti(np.float32),
    "NIfTI int16 scaled": nifti(np.int16, 0.37, -12.5),
    "NIfTI int16 scaled downward": nifti(np.int16, -2.0, 7.0),
    "NIfTI uint8 scaled": nifti(np.uint8, 0.0125, 3.0),
    "NIfTI float32 scaled": nifti(np.float32, 1.7, 100.0),
    "DICOM signed": dicom(np.int16, 16),
    "DICOM unsigned": dicom(np.uint16, 12),
    "DICOM 8 bits": dicom(np.uint8, 8),
    "DICOM signed rescaled": dicom(np.int16, 16, 0.61),
    "DICOM unsigned rescaled": dicom(np.uint16, 16, 1.0),
    "PNG 8 bits": raster("scan.png", np.uint8),
    "PNG 16 bits": raster("scan.png", np.uint16),
    "TIFF float32": raster("scan.tiff", np.float32),
    "TIFF 16 bits, pages": raster("scan.tif", np.uint16, (3, 24, 20)),
    "NRRD": volume("scan.nrrd", np.int16),
    "NRRD float32": volume("scan.nrrd", np.float32),
    "MHA": volume("scan.mha", np.uint16),
    "MHA signed": volume("scan.mha", np.int16),
}


def stored(path: Path) -> np.ndarray:
    """The numbers in a file, by a reader that is not ours, without the file's own scaling."""
    if ".nii" in path.name:
        return np.asarray(nibabel.load(path).dataobj.get_unscaled())
    if path.suffix == ".dcm":
        return pydicom.dcmread(path).pixel_array
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def described(path: Path) -> list[object]:
    """What else a file says of its image: geometry, type, scaling."""
    if ".nii" in path.name:
        image = nibabel.load(path)
        return [image.affine.tolist(), image.header.binaryblock]
    if path.suffix == ".dcm":
        dataset = pydicom.dcmread(path)
        names = "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation RescaleSlope RescaleIntercept"
        places = "PixelSpacing ImagePositionPatient ImageOrientationPatient FrameOfReferenceUID StudyInstanceUID"
        return [str(dataset.get(name)) for name in (names + " Modality PatientID " + places).split()]
    image = sitk.ReadImage(str(path))
    return [image.GetSpacing(), image.GetOrigin(), image.GetDirection(), image.GetPixelIDTypeAsString()]


def mean_of_nine(noisy: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(noisy, (1, 1, 1, 1), mode="replicate"), 3, 1)


@pytest.fixture(scope="module")
def real() -> Denoiser:
    return Denoiser(device="cpu")


@pytest.fixture(scope="module")
def identity() -> Denoiser:
    denoiser = Denoiser(device="cpu")
    denoiser.network.forward = lambda noisy: noisy.clone()
    return denoiser


@pytest.fixture(scope="module")
def blurring() -> Denoiser:
    denoiser = Denoiser(device="cpu")
    denoiser.network.forward = mean_of_nine
    return denoiser


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", ["identity", "strength 0"])
def test_where_nothing_is_removed_stored_values_and_header_are_the_inputs(
    source: str, way: str, tmp_path: Path, identity: Denoiser, real: Denoiser
) -> None:
    path = SOURCES[source](tmp_path)
    before = path.read_bytes()
    denoiser, strength = (identity, 1.0) if way == "identity" else (real, 0.0)
    done = denoiser.run(path, tmp_path / "out", modality="ct" if "DICOM" in source else "mr", strength=strength)
    assert [outcome.failure for outcome in done.outcomes] == [None]
    result = tmp_path / "out" / path.name
    expected, found = stored(path), stored(result)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(found, expected)
    assert described(result) == described(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "source", ["NIfTI int16 scaled", "NIfTI float32", "DICOM signed rescaled", "PNG 8 bits", "MHA"]
)
def test_input_minus_output_is_the_residual(source: str, tmp_path: Path, blurring: Denoiser) -> None:
    path = SOURCES[source](tmp_path)
    blurring.run(path, tmp_path / "out", modality="mr", residual=True)
    result = tmp_path / "out" / path.name
    beside = residual_path([result])
    assert sorted((tmp_path / "out").iterdir()) == sorted([result, beside])
    if beside.name.endswith(".nii.gz"):
        residual = np.asarray(nibabel.load(beside).dataobj)
        assert residual.dtype == np.float32
    else:
        residual = sitk.GetArrayFromImage(sitk.ReadImage(str(beside)))
        assert residual.dtype == np.float32
    slope = {"NIfTI int16 scaled": 0.37, "DICOM signed rescaled": 0.61}.get(source, 1.0)
    difference = slope * (stored(path).astype(float) - stored(result).astype(float))
    assert np.abs(difference).max() > 1
    np.testing.assert_allclose(difference, residual, atol=1e-6 * np.abs(difference).max() + 1e-3)


def test_the_residual_is_that_of_the_limited_result(tmp_path: Path) -> None:
    denoiser = Denoiser(device="cpu")
    denoiser.network.forward = lambda noisy: 2 * noisy
    path = SOURCES["PNG 8 bits"](tmp_path)
    denoiser.run(path, tmp_path / "out", modality="us", residual=True)
    residual = sitk.GetArrayFromImage(sitk.ReadImage(str(residual_path([tmp_path / "out" / path.name]))))
    values = stored(path).astype(float)
    np.testing.assert_array_equal(residual, values - np.minimum(2 * values, 255))


def test_dicom_uids_differ_for_all_settings_that_show_in_the_pixels(tmp_path: Path, blurring: Denoiser) -> None:
    path = SOURCES["DICOM signed rescaled"](tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.Modality = "OT"
    dataset.save_as(path)
    runs = [("ct", 1.0), ("mr", 1.0), ("mr", 0.1234567), ("mr", 0.1234568), ("mr", 1)]
    uids = []
    for index, (modality, strength) in enumerate(runs):
        blurring.run(path, tmp_path / str(index), modality=modality, strength=strength)
        uids.append(pydicom.dcmread(tmp_path / str(index) / path.name).SOPInstanceUID)
    assert len(set(uids)) == 4
    assert uids[1] == uids[4]


@pytest.mark.parametrize("source", ["NIfTI float32", "NRRD float32", "TIFF float32"])
def test_strength_one_half_removes_half_in_files(source: str, tmp_path: Path, blurring: Denoiser) -> None:
    path = SOURCES[source](tmp_path)
    for strength in (0.5, 1.0):
        blurring.run(path, tmp_path / str(strength), modality="mr", strength=strength)
    half, whole = (stored(path) - stored(tmp_path / name / path.name) for name in ("0.5", "1.0"))
    assert np.abs(whole).max() > 100
    np.testing.assert_allclose(half, whole / 2, atol=2e-3)


def test_what_is_removed_is_rounded_and_limited_to_the_type(tmp_path: Path, blurring: Denoiser) -> None:
    path = SOURCES["PNG 16 bits"](tmp_path)
    blurring.run(path, tmp_path / "out", modality="xr")
    values = stored(path).astype(float)
    padded = np.pad(values, 1, mode="edge")
    mean = sum(padded[i : i + 24, j : j + 20] for i in range(3) for j in range(3)) / 9
    assert np.abs(stored(tmp_path / "out" / path.name) - np.clip(mean, 0, 65535)).max() <= 0.52


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.nii.gz", "a.nii.gz.residual.nii.gz"),
        ("a.dcm", "a.dcm.residual.nii.gz"),
        ("a.jpg.png", "a.jpg.png.residual.tiff"),
        ("a.tif", "a.tif.residual.tiff"),
        ("a.nrrd", "a.nrrd.residual.nrrd"),
        ("a.mha", "a.mha.residual.mha"),
        ("a.mhd", "a.mhd.residual.mha"),
    ],
)
def test_a_residual_stands_beside_its_result_in_a_format_of_signed_fractions(name: str, expected: str) -> None:
    assert residual_path([Path("out") / name, Path("out") / "other"]) == Path("out") / expected


def test_a_source_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    writer = ScanWriter(Derivation("", "", ""))
    writer.set_metadata({"files": [tmp_path / "notes.txt"], "outputs": [tmp_path / "out.txt"], "affine": np.eye(4)})
    with pytest.raises(InputError, match=r"files must be images, got .*notes\.txt"):
        writer.write(tmp_path / "out.txt")
