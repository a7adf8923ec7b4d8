"""Objects of many frames: each is worked on by itself, and none is kept."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from monai_gan_denoise.io.dicom import read, write, write_residual
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
ROWS, COLUMNS, FRAMES = 17, 18, 3
LAYOUTS = {
    "gray of 8 bits and an odd length": ("CT_small", 1, 1, {"Columns": 19, "BitsStored": 8, "HighBit": 7}),
    "gray of 16 bits": ("CT_small", 1, 2, {}),
    "colors by pixel": ("examples_rgb_color", 3, 1, {"PlanarConfiguration": 0}),
    "colors by plane": ("examples_rgb_color", 3, 1, {"PlanarConfiguration": 1}),
    "two pixels with one chroma": ("SC_ybr_full_422_uncompressed", 2, 1, {}),
    "palette": ("examples_palette", 1, 1, {}),
}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def stored(path: Path, name: str, frames: np.ndarray, **elements: Any) -> Path:
    """A packaged file with other pixels, an array of words per frame, and elements."""
    dataset = pydicom.dcmread(str(get_testdata_file(f"{name}.dcm", download=False)))
    for keyword in ("PixelPaddingValue", "SequenceOfUltrasoundRegions", "NumberOfFrames"):
        dataset.pop(keyword, None)
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = ROWS, COLUMNS, 8 * frames.itemsize
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    data = frames.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if frames.itemsize == 1 else "OW"
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("amount", [0.0, 5.0])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_together_become_what_each_becomes_alone(tmp_path: Path, layout: str, amount: float) -> None:
    name, samples, size, elements = LAYOUTS[layout]
    shape = (FRAMES, ROWS, elements.get("Columns", COLUMNS))
    words = np.random.default_rng(1).integers(0, 200, (*shape, samples)).astype(f"u{size}")
    removed = np.moveaxis(np.full(shape, np.float32(amount)) * np.arange(FRAMES)[:, None, None], 0, 2)
    write([stored(tmp_path / "all.dcm", name, words, **elements)], removed, [tmp_path / "out.dcm"], DERIVATION)
    together, alone = pydicom.dcmread(tmp_path / "out.dcm"), []
    assert (together.pixel_array != 0).any()
    for index in range(FRAMES):
        path = stored(tmp_path / "one.dcm", name, words[index : index + 1], **elements)
        write([path], removed[..., index], [tmp_path / "one_out.dcm"], DERIVATION)
        one = pydicom.dcmread(tmp_path / "one_out.dcm")
        if layout == "palette" and amount and not index:  # alone, a frame that loses nothing keeps its palette
            colors = pydicom.pixels.apply_color_lut(one.pixel_array, one)
            alone.append((colors >> 8).astype(np.uint8))
        else:
            alone.append(one.pixel_array)
    np.testing.assert_array_equal(together.pixel_array, np.stack(alone))
    assert len(together.PixelData) % 2 == 0


def test_nothing_but_the_output_is_left(tmp_path: Path) -> None:
    frames = np.zeros((FRAMES, ROWS, COLUMNS), np.int16)
    path = stored(tmp_path / "in.dcm", "CT_small", frames)
    write([path], np.zeros((ROWS, COLUMNS, FRAMES)), [tmp_path / "out" / "in.dcm"], DERIVATION)
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["in.dcm"]


@pytest.mark.parametrize("residual", [False, True])
def test_beside_the_source_a_few_frames_are_in_memory(tmp_path: Path, residual: bool) -> None:
    frames = np.random.default_rng(2).integers(0, 1000, (100, 128, 128)).astype(np.int16)
    path = stored(tmp_path / "in.dcm", "CT_small", frames, Rows=128, Columns=128)
    removed = np.full((128, 128, len(frames)), np.float32(2))
    size, frame = frames.nbytes, frames[0].astype(np.float64).nbytes
    del frames
    tracemalloc.start()
    try:
        if residual:
            write_residual([path], removed, tmp_path / "out.nii.gz")
        else:
            write([path], removed, [tmp_path / "out.dcm"], DERIVATION)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < size + 12 * frame


def test_a_frame_of_a_palettes_dark_colors_is_as_dark_alone(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint16)
    table = np.where(ramp < 128, ramp, 257 * ramp).astype(np.uint16).tobytes()
    tables = {f"{color}PaletteColorLookupTableData": table for color in ("Red", "Green", "Blue")}
    words = np.stack([np.full((ROWS, COLUMNS), index, np.uint8) for index in (100, 200)])
    together = read([stored(tmp_path / "a.dcm", "examples_palette", words, **tables)]).values
    alone = read([stored(tmp_path / "b.dcm", "examples_palette", words[:1], **tables)]).values
    np.testing.assert_allclose(together[0, 0], [0, 200], atol=1e-3)
    np.testing.assert_allclose(alone, 0)


def test_bits_that_palette_indices_leave_unused_stay(tmp_path: Path) -> None:
    words = np.random.default_rng(3).integers(0, 1 << 16, (1, ROWS, COLUMNS)).astype(np.uint16)
    path = stored(tmp_path / "in.dcm", "examples_palette", words, BitsStored=8, HighBit=7)
    write([path], np.zeros((ROWS, COLUMNS)), [tmp_path / "out.dcm"], DERIVATION)
    assert pydicom.dcmread(tmp_path / "out.dcm").PixelData == words.tobytes()
