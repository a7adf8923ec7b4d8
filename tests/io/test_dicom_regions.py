"""Ultrasound: nothing outside the regions that the header names changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import UltrasoundMultiFrameImageStorage

from monai_gan_denoise.io.dicom import read, write, write_residual
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def region(box: tuple[int, ...] | None, **elements: Any) -> Dataset:
    """A region with its corners in the order of DICOM: x0, y0, x1, y1."""
    item = Dataset()
    corners = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    for keyword, value in [*zip(corners, box or (), strict=False), *elements.items()]:
        setattr(item, keyword, value)
    return item


def loop(path: Path, regions: list[Dataset], frames: int = 3, samples: int = 1) -> Path:
    """Ultrasound frames of 40 x 60 pixels, all 100."""
    dataset = pydicom.dcmread(str(get_testdata_file("examples_rgb_color.dcm", download=False)))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.Modality, dataset.NumberOfFrames, dataset.FrameTime = "US", frames, 40
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 40, 60, samples
    dataset.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
    dataset.PlanarConfiguration = 0
    dataset.SequenceOfUltrasoundRegions = regions
    dataset.PixelData = np.full((frames, 40, 60, samples), 100, np.uint8).tobytes()
    dataset.save_as(path)
    return path


def changed(path: Path, folder: Path) -> np.ndarray:
    """Where a pixel of any frame and color differs once 7 is removed everywhere."""
    removed = np.full(read([path]).values.shape, 7.0, np.float32)
    write([path], removed, [folder / "out.dcm"], DERIVATION)
    write_residual([path], removed, folder / "residual.nii.gz")
    before, after = (pydicom.dcmread(each).pixel_array.astype(int) for each in (path, folder / "out.dcm"))
    frames = (before - after).reshape(removed.size // 2400, 40, 60, -1)
    assert set(np.unique(frames)) <= {0, 7}
    residual = np.asarray(nibabel.load(folder / "residual.nii.gz").dataobj).reshape(40, 60, -1)
    np.testing.assert_allclose(np.moveaxis(residual, 2, 0), frames[..., 0], atol=1e-5)
    assert (frames == frames[:1, ..., :1]).all()
    return frames[0, ..., 0] != 0


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("frames", [1, 3])
def test_nothing_outside_the_regions_changes(tmp_path: Path, frames: int, samples: int) -> None:
    path = loop(tmp_path / "a.dcm", [region((5, 10, 24, 29)), region((40, 0, 59, 3))], frames, samples)
    expected = np.zeros((40, 60), bool)
    expected[10:30, 5:25] = expected[0:4, 40:60] = True
    np.testing.assert_array_equal(changed(path, tmp_path), expected)


def test_traces_and_graphics_stay(tmp_path: Path) -> None:
    boxes = [((0, 0, 59, 9), 1), ((0, 10, 59, 19), 3), ((0, 20, 59, 29), 4), ((0, 30, 59, 39), 5)]
    regions = [region(box, RegionSpatialFormat=spatial) for box, spatial in boxes]
    rows = changed(loop(tmp_path / "a.dcm", regions), tmp_path).all(axis=1)
    np.testing.assert_array_equal(rows, np.arange(40) < 20)


def test_without_regions_all_of_the_frame_changes(tmp_path: Path) -> None:
    assert changed(loop(tmp_path / "a.dcm", []), tmp_path).all()


@pytest.mark.parametrize("box", [None, (1, 2, 3), (9, 9, 8, 8), (60, 0, 70, 39), (0, 40, 59, 50)])
def test_a_region_without_a_pixel_counts_as_absent(tmp_path: Path, box: tuple[int, ...] | None) -> None:
    assert changed(loop(tmp_path / "a.dcm", [region(box)]), tmp_path).all()


def test_a_region_beyond_the_frame_ends_with_the_frame(tmp_path: Path) -> None:
    expected = np.zeros((40, 60), bool)
    expected[:5, 50:] = True
    path = loop(tmp_path / "a.dcm", [region((50, 0, 99, 4))])
    np.testing.assert_array_equal(changed(path, tmp_path), expected)


def test_colors_of_a_palette_stay_outside_the_regions(tmp_path: Path) -> None:
    source = pydicom.dcmread(str(get_testdata_file("examples_palette.dcm", download=False)))
    source.SequenceOfUltrasoundRegions = [region((100, 50, 299, 149))]
    source.save_as(tmp_path / "a.dcm")
    removed = np.full(read([tmp_path / "a.dcm"]).values.shape, 7.0, np.float32)
    write([tmp_path / "a.dcm"], removed, [tmp_path / "out.dcm"], DERIVATION)
    before = pydicom.pixels.apply_color_lut(source.pixel_array, source) >> 8
    after = pydicom.dcmread(tmp_path / "out.dcm").pixel_array
    outside = np.ones(after.shape[:2], bool)
    outside[50:150, 100:300] = False
    np.testing.assert_array_equal(after[outside], before[outside])
    np.testing.assert_array_equal(after[~outside], np.maximum(before[~outside].astype(int) - 7, 0))
