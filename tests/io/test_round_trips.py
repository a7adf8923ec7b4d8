"""Properties that hold whatever the numbers: of stored types and of affines, by exact arithmetic, PS3.3 and ITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, given
from hypothesis import strategies as st
from pydicom import Dataset

from monai_gan_denoise.io import read_scan
from monai_gan_denoise.io.dicom.geometry import affine, plane
from monai_gan_denoise.scans.scan import subtract

INTEGERS = [np.dtype(name) for name in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")]
FLOATS = [np.dtype(name) for name in ("f4", "f8")]
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
lengths = st.floats(0.05, 20)
places = st.tuples(*[st.floats(-500, 500)] * 3)


@st.composite
def rotations(draw: st.DrawFn) -> np.ndarray:
    """Any rotation, by its quaternion."""
    quaternion = np.array(draw(st.tuples(*[st.integers(-9, 9)] * 4)))
    assume(quaternion.any())
    a, b, c, d = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


@st.composite
def integers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Stored numbers of any integer type, its ends not rare, and what is removed from them."""
    info = np.iinfo(draw(st.sampled_from(INTEGERS)))
    ends = st.sampled_from([int(info.min), int(info.max), 0])
    stored = draw(st.lists(st.integers(int(info.min), int(info.max)) | ends, min_size=1, max_size=8))
    removed = draw(st.lists(st.floats(-1e20, 1e20) | st.floats(-300, 300), min_size=len(stored), max_size=len(stored)))
    return np.array(stored, info.dtype), np.array(removed)


@given(integers())
def test_integers_less_what_is_removed_are_rounded_and_limited(case: tuple[np.ndarray, np.ndarray]) -> None:
    stored, removed = case
    info = np.iinfo(stored.dtype)
    for before, less, after in zip(stored.tolist(), removed.tolist(), subtract(stored, removed).tolist(), strict=True):
        exact = min(max(before - round(less), int(info.min)), int(info.max))
        # The difference is taken in float64, whose steps are 2048 at the end of 64 bits.
        assert abs(after - exact) <= (2048 if max(abs(before), abs(less), abs(exact)) > 2**52 else 0)


@given(integers())
def test_integers_that_nothing_is_removed_from_come_back(case: tuple[np.ndarray, np.ndarray]) -> None:
    stored, _ = case
    np.testing.assert_array_equal(subtract(stored, np.zeros(stored.shape)), stored)


@given(st.sampled_from(FLOATS), st.lists(finite, min_size=1, max_size=8), st.integers(0, 255))
def test_floats_that_nothing_is_removed_from_come_back_to_the_bit(
    dtype: np.dtype, values: list[float], chosen: int
) -> None:
    stored = np.array(values, dtype)
    removed = np.array([float(chosen >> index & 1) for index in range(len(values))])
    kept = removed == 0
    assert subtract(stored, removed)[kept].tobytes() == stored[kept].tobytes()


@given(rotations(), lengths, lengths, lengths, places, st.integers(1, 5))
def test_the_affine_of_a_dicom_series_is_that_of_the_standard(
    rotation: np.ndarray,
    between_rows: float,
    between_columns: float,
    step: float,
    origin: tuple[float, float, float],
    count: int,
) -> None:
    along_row, along_column, normal = rotation.T
    planes = []
    for index in range(count):
        header = Dataset()
        header.ImageOrientationPatient = [*along_row, *along_column]
        header.ImagePositionPatient = list(origin + index * step * normal)
        header.PixelSpacing, header.SpacingBetweenSlices = [between_rows, between_columns], step
        planes.append(plane(header))
    row, column, slice_ = 3, 7, count - 1
    # Equation C.7.6.2.1-1: the column index runs along the row's direction.
    point = origin + slice_ * step * normal + column * between_columns * along_row + row * between_rows * along_column
    found = affine(planes) @ [row, column, slice_, 1]
    np.testing.assert_allclose(found, [-point[0], -point[1], point[2], 1], atol=1e-4)


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
@given(rotation=rotations(), spacing=st.tuples(lengths, lengths, lengths), origin=places)
def test_the_affine_of_a_volume_is_that_of_itk(
    suffix: str,
    tmp_path_factory: pytest.TempPathFactory,
    rotation: np.ndarray,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
) -> None:
    image = sitk.GetImageFromArray(np.zeros((18, 17, 16), np.int16))
    image.SetDirection(rotation.ravel().tolist())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    path = Path(tmp_path_factory.getbasetemp(), f"affine.{suffix}")
    sitk.WriteImage(image, str(path))
    for index in ([0, 0, 0], [15, 16, 17]):
        point = image.TransformIndexToPhysicalPoint(index)
        found = read_scan([path]).affine @ [*index, 1]
        np.testing.assert_allclose(found, [-point[0], -point[1], point[2], 1], atol=1e-3)
