"""What the field's readers make of our DICOM: the values of pydicom, at the places where the source lies."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

pytestmark = pytest.mark.integration

KINDS = ("oblique CT", "MR series", "Enhanced MR", "radiograph")
UNPLACED = np.diag([-0.9, -0.7, 1.0])  # the radiograph's spacing; of no orientation, columns run left and rows back
LPS_TO_RAS = np.diag([-1, -1, 1, 1])

Volume = tuple[np.ndarray, np.ndarray]  # values (column, row, slice); affine from their indices to RAS millimeters


def by_dcm2niix(files: Sequence[Path], scratch: Path, program: Callable[..., str]) -> Volume:
    program("dcm2niix", "-b", "n", "-z", "n", "-f", "image", "-o", scratch, files[0].parent)
    (result,) = scratch.glob("*.nii")
    image = nibabel.load(result)
    return np.asarray(image.dataobj), image.affine


def by_simpleitk(files: Sequence[Path], _: Path, __: Callable[..., str]) -> Volume:
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(files[0].parent))  # in the order that GDCM finds
    image = sitk.ReadImage(names if len(names) > 1 else names[0])
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, LPS_TO_RAS @ affine


def by_slicer(files: Sequence[Path], scratch: Path, _: Callable[..., str]) -> Volume:
    words = [sys.executable, Path(__file__).with_name("read_with_slicer.py"), scratch / "read.npz", *files]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(scratch / "read.npz") as read:
        return read["values"], read["affine"]


def by_gdcm(files: Sequence[Path], scratch: Path, program: Callable[..., str]) -> Volume:
    """Geometry as gdcminfo prints it, pixels as gdcmconv packs them."""
    origins, slices, affine = [], [], np.eye(4)
    for path in files:
        said = dict(re.findall(r"^(.+?) *: *(.+)$", program("gdcminfo", path), re.MULTILINE))
        origin, spacing, cosines, rescale = (
            np.array([float(number) for number in said[name].strip("()").split(",")])
            for name in ("Origin", "Spacing", "DirectionCosines", "Rescale Intercept/Slope")
        )
        program("gdcmconv", "--rle", path, scratch / path.name)
        pixels = pydicom.dcmread(scratch / path.name).pixel_array * rescale[1] + rescale[0]
        slices += [pixels] if pixels.ndim == 2 else list(pixels)
        origins.append(origin)
    across = np.cross(cosines[:3], cosines[3:]) * spacing[2]
    step = (origins[-1] - origins[0]) / (len(files) - 1) if len(files) > 1 else across
    affine[:3] = np.column_stack([cosines[:3] * spacing[0], cosines[3:] * spacing[1], step, origins[0]])
    return np.stack(slices).transpose(2, 1, 0), LPS_TO_RAS @ affine


READERS = {"dcm2niix": by_dcm2niix, "SimpleITK": by_simpleitk, "3D Slicer": by_slicer, "GDCM": by_gdcm}


def unflipped(values: np.ndarray, affine: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values along axes that run as those of ``wanted`` do, and the place of their first voxel."""
    turn = np.linalg.inv(affine[:3, :3]) @ wanted[:3, :3]
    np.testing.assert_allclose(np.abs(turn), np.eye(3), atol=1e-4)
    against = [axis for axis in range(3) if turn[axis, axis] < 0]
    first = [values.shape[axis] - 1 if axis in against else 0 for axis in range(3)]
    return np.flip(values, against), (affine @ [*first, 1])[:3]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_readers_find_the_values_of_pydicom_where_the_source_lies(reader, kind, exchanges, program, tmp_path) -> None:
    exchange = exchanges[kind]
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    before, source_affine = READERS[reader](exchange.sources, tmp_path / "before", program)
    after, affine = READERS[reader](exchange.results, tmp_path / "after", program)
    np.testing.assert_array_equal(affine, source_affine)
    wanted = UNPLACED if exchange.affine is None else exchange.affine
    values, first = unflipped(after, affine, wanted)
    np.testing.assert_array_equal(values, exchange.values())
    assert np.abs(after - before.astype(float)).max() > 10
    if exchange.affine is not None:
        np.testing.assert_allclose(first, exchange.affine[:3, 3], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_new_error(errors: Callable[[Path], Counter[str]], kind: str, exchanges) -> None:
    for source, result in zip(exchanges[kind].sources, exchanges[kind].results, strict=True):
        assert errors(result) - errors(source) == Counter()
