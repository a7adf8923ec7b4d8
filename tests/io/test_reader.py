"""Reading through MONAI's LoadImaged."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from monai.data import DataLoader, Dataset
from monai.transforms import LoadImaged
from PIL import Image
from pydicom.data import get_testdata_file

from monai_gan_denoise.io import ScanReader, read_scan, scan_meta
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan, refuse_unusable, subtract

AFFINE = np.array([[-1.9, 0.2, 0.1, 10], [0.2, 1.9, -0.3, -20], [0.1, 0.3, 3.9, 30], [0, 0, 0, 1.0]])
CT = Path(str(get_testdata_file("CT_small.dcm", download=False)))


def test_loadimaged_gives_values_affine_and_what_the_writer_needs(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(100, 10, (20, 18, 4)).astype(np.float32)
    path = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), path)
    load = LoadImaged(keys="image", reader=ScanReader, ensure_channel_first=True)
    image = load({"image": [str(path)]})["image"]
    assert image.shape == (1, 20, 18, 4)
    assert np.array_equal(image.numpy()[0], values)
    np.testing.assert_allclose(image.affine.numpy(), nibabel.load(path).affine, atol=1e-6)
    assert image.meta["files"] == [str(path)]
    assert image.meta["slice_axis"] == 2


def test_slices_are_read_into_a_batch() -> None:
    load = LoadImaged(keys="image", reader=ScanReader, ensure_channel_first=True)
    (batch,) = DataLoader(Dataset([{"image": CT}] * 2, load), batch_size=2)
    assert batch["image"].shape == (2, 1, 128, 128)
    assert batch["image"].meta["modality"] == ["ct", "ct"]


def test_a_dicom_slice_is_read_in_hu_with_its_modality() -> None:
    dataset = pydicom.dcmread(CT)
    scan = read_scan([CT])
    assert scan.modality == "ct"
    expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_allclose(scan.values, expected, atol=1e-3)


@pytest.mark.parametrize(("dtype", "offset", "bits"), [(np.uint8, 0.0, (0.0, 255.0)), (np.uint16, 1024.0, None)])
def test_png_says_how_its_numbers_are_meant(
    dtype: type, offset: float, bits: tuple[float, float] | None, tmp_path: Path
) -> None:
    Image.fromarray(np.arange(400, dtype=dtype).reshape(20, 20)).save(tmp_path / "a.png")
    scan = read_scan([tmp_path / "a.png"])
    assert (scan.hu_offset, scan.bit_range, scan.modality) == (offset, bits, None)
    assert np.array_equal(scan.values, np.arange(400, dtype=dtype).reshape(20, 20))


def test_the_reader_takes_what_a_format_module_takes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("none")
    assert ScanReader().verify_suffix([str(CT)])
    assert ScanReader().verify_suffix("a.nii.gz")
    assert not ScanReader().verify_suffix(tmp_path / "a.txt")


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("none")
    with pytest.raises(InputError, match=r"INPUT must be an image, got .*a\.txt\. Pass DICOM, NIfTI"):
        read_scan([tmp_path / "a.txt"])


def test_metadata_hold_all_of_a_scan_but_its_values() -> None:
    scan = Scan(np.zeros((20, 20, 2), np.float32), AFFINE, 2, (0.0, 255.0), 1024.0, "ct")
    meta = scan_meta(scan)
    assert meta["affine"] is AFFINE
    assert [meta[name] for name in ("slice_axis", "bit_range", "hu_offset", "modality")] == [2, (0, 255), 1024, "ct"]


@pytest.mark.parametrize("count", [1, 3])
def test_values_that_are_not_finite_are_counted(count: int) -> None:
    values = np.zeros((20, 20, 2))
    values.flat[:count] = (np.nan, np.inf, -np.inf)[:count]
    with pytest.raises(InputError, match=rf"values must be finite, got {count} NaN or infinite in x\."):
        refuse_unusable(values, 2, "x")


@pytest.mark.parametrize(("shape", "axis", "size"), [((16, 15), None, "16 x 15"), ((3, 20, 15), 0, "20 x 15")])
def test_slices_that_are_too_small_are_refused(shape: tuple[int, ...], axis: int | None, size: str) -> None:
    with pytest.raises(InputError, match=rf"slices must be at least 16 pixels wide and high, got {size} in x\."):
        refuse_unusable(np.zeros(shape), axis, "x")
    refuse_unusable(np.zeros((16, 16, 1)), 2, "x")


def test_subtract_rounds_to_the_nearest_integer_and_stops_at_the_types_ends() -> None:
    stored = np.array([0, 10, 10, 250, 255], np.uint8)
    result = subtract(stored, np.array([3.0, 0.4, 0.6, -9.0, 0.2]))
    assert result.dtype == np.uint8
    assert result.tolist() == [0, 10, 9, 255, 255]
    assert subtract(np.array([-5, 5], np.int16), np.array([9.0, -9.0]), (-8, 7)).tolist() == [-8, 7]


def test_subtract_takes_rounding_below_zero_for_zero_and_nothing_else() -> None:
    stored = np.array([1e-3, 0.0, 0.2, 1000.0, -0.1], np.float32)
    removed = np.array([1e-3 + 1e-4, 1e-4, 0.3, 0.0, 1e-5], np.float32)
    result = subtract(stored, removed)
    np.testing.assert_array_equal(result[:2], [0, 0])
    np.testing.assert_allclose(result[2:], [-0.1, 1000, -0.10001], rtol=1e-6)


def test_subtract_leaves_what_nothing_is_removed_from_even_outside_the_limits() -> None:
    assert subtract(np.array([100, 1], np.int16), np.array([0.0, -1.0]), (-8, 7)).tolist() == [100, 2]
    exact = np.array([0.1, 1e300, np.pi])
    assert np.array_equal(subtract(exact, np.zeros(3, np.float32)), exact)
