"""Burnt-in text: every letter can still be read, by what it is most like among all that could have been drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from scipy.ndimage import uniform_filter

from monai_gan_denoise.inference import Denoiser
from monai_gan_denoise.io.dicom import read, write
from monai_gan_denoise.io.dicom.annotations import drawn_mask
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "Denoised by a test; research use only.", "weights and settings")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"  # without I and O, which fonts draw as 1 and 0
MARGIN, ACROSS = 20, 8
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def glyphs(size: int) -> np.ndarray:
    """Each letter in a cell of its own, ``(letters, cell, cell)``, without anti-aliasing."""
    cell, font = size + 6, ImageFont.load_default(size)
    drawn = []
    for letter in LETTERS:
        image = Image.new("L", (cell, cell))
        draw = ImageDraw.Draw(image)
        draw.fontmode = "1"
        draw.text((cell // 2, cell // 2), letter, fill=255, font=font, anchor="mm")
        drawn.append(np.asarray(image) > 0)
    return np.stack(drawn)


def written_over_noise(path: Path, size: int, noise: float, text: float, modality: str) -> np.ndarray:
    """Save an image of 12 bits with text; give the letters' indices, ``(rows, 8)``."""
    rng = np.random.default_rng(size)
    indices = rng.permutation(len(LETTERS))[: 4 * ACROSS].reshape(4, ACROSS)
    mask = np.pad(np.block([[glyphs(size)[index] for index in row] for row in indices]), MARGIN)
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    tissue = 0.45 + 0.1 * np.sin(columns / 20) * np.cos(rows / 15)
    image = np.clip(tissue + noise * rng.normal(size=mask.shape), 0.02, 0.98)
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    dataset.Rows, dataset.Columns = mask.shape
    dataset.Modality, dataset.RescaleIntercept = modality, -1024
    dataset.PixelData = np.rint(4095 * np.where(mask, text, image)).astype(np.int16).tobytes()
    del dataset.PixelPaddingValue
    dataset.save_as(path)
    return indices


def legible(path: Path, indices: np.ndarray, size: int) -> int:
    """How many letters correlate best with the one that was drawn."""
    alphabet = glyphs(size).reshape(len(LETTERS), -1).astype(float)
    cell = size + 6
    inside = pydicom.dcmread(path).pixel_array[MARGIN:-MARGIN, MARGIN:-MARGIN].astype(float)
    cells = inside.reshape(4, cell, ACROSS, cell).swapaxes(1, 2).reshape(4 * ACROSS, -1)
    alike = np.abs(np.corrcoef(alphabet, cells)[: len(LETTERS), len(LETTERS) :])
    return int((alike.argmax(axis=0) == indices.ravel()).sum())


@pytest.mark.parametrize(("text", "noise"), [(1.0, 0.05), (1.0, 0.1), (0.0, 0.05)])
@pytest.mark.parametrize("size", [8, 12, 16])
def test_text_survives_a_denoiser_that_would_wipe_it_out(tmp_path: Path, size: int, text: float, noise: float) -> None:
    indices = written_over_noise(tmp_path / "a.dcm", size, noise, text, "CT")
    values = read([tmp_path / "a.dcm"]).values
    removed = values - uniform_filter(values, 9)
    write([tmp_path / "a.dcm"], removed, [tmp_path / "out.dcm"], DERIVATION)
    assert legible(tmp_path / "a.dcm", indices, size) == indices.size
    assert legible(tmp_path / "out.dcm", indices, size) == indices.size
    before, after = (pydicom.dcmread(tmp_path / name).pixel_array for name in ("a.dcm", "out.dcm"))
    strokes = before == 4095 * text
    assert (after[strokes] == before[strokes]).mean() > 0.85  # all but where noise comes close to the text
    assert (after[~strokes] != before[~strokes]).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "lost"), [(0.05, 0), (0.1, 1)])
@pytest.mark.parametrize("modality", ["CT", "MR", "DX", "US", "OPT"])
def test_text_can_be_read_after_denoising_with_the_shipped_weights(
    tmp_path: Path, modality: str, noise: float, lost: int
) -> None:
    for size in (8, 12):
        source = tmp_path / f"{size}.dcm"
        indices = written_over_noise(source, size, noise, 1.0, modality)
        Denoiser(device="cpu").run(source, tmp_path / "out")
        assert legible(tmp_path / "out" / source.name, indices, size) >= indices.size - lost


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_impulses_are_not_taken_for_text(share: float) -> None:
    rng = np.random.default_rng(1)
    image = rng.normal(500, 50, (128, 128))
    struck = rng.random(image.shape)
    image[struck < share / 2], image[struck > 1 - share / 2] = 0, 4095
    assert not drawn_mask(image).any()


@pytest.mark.parametrize("mean", [200, 240, 255])
def test_clipped_noise_is_not_taken_for_text(mean: float) -> None:
    rng = np.random.default_rng(2)
    image = np.clip(np.rint(rng.normal(mean, 25, (128, 128))), 0, 255)
    image[:, :64] = np.clip(np.rint(rng.normal(100, 25, (128, 64))), 0, 255)
    assert drawn_mask(image).mean() < 0.01


@pytest.mark.parametrize("image", [np.full((32, 32), 7), np.random.default_rng(3).normal(size=(32, 32))])
def test_an_image_without_text_has_none(image: np.ndarray) -> None:
    assert not drawn_mask(image).any()
