"""The noise of a cell on an image: the laws', on the whole slice, neither clipped nor rounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Raster
from skimage.measure import block_reduce

from monai_gan_denoise.benchmark import Cell, load_protocol
from monai_gan_denoise.benchmark.images import Source, find_sources
from monai_gan_denoise.benchmark.noisy_image import Exposure, expose
from monai_gan_denoise.transforms.noise import add_gaussian_noise, add_impulse_noise, add_poisson_noise

PROTOCOL = load_protocol()
SONOGRAM = Source("sonogram", "us", "sonogram", phantom="sonogram")


def cell(name: str) -> Cell:
    return next(cell for cell in PROTOCOL.cells if cell.name == name)


def exposed(name: str, source: Source = SONOGRAM) -> Exposure:
    return expose(cell(name), source, PROTOCOL)


def test_noise_is_neither_clipped_nor_rounded_and_of_its_level() -> None:
    exposure = exposed("us/gaussian/25")
    noise = exposure.noisy - exposure.clean
    assert exposure.noisy.dtype == np.float32
    assert exposure.noisy.min() < 0
    assert len(np.unique(exposure.noisy)) > 60000
    assert noise.std() == pytest.approx(25 / 255, rel=0.02)
    assert exposure.level == pytest.approx(np.sqrt(np.mean(noise**2)))


def test_a_mixture_is_photons_then_readout_then_impulses() -> None:
    mixture = cell("us/mixture/100+10+0.01")
    clean = torch.as_tensor(SONOGRAM.load(PROTOCOL).clean, dtype=torch.float32)[None]
    rng = torch.Generator().manual_seed(mixture.seed(PROTOCOL.seed, SONOGRAM.name))
    expected = add_impulse_noise(add_gaussian_noise(add_poisson_noise(clean, 100, rng), 10 / 255, rng), 0.01, rng)
    middle = expected[0, 64:320, 64:320].numpy()
    np.testing.assert_array_equal(exposed(mixture.name).noisy, middle)


def test_noise_is_drawn_on_the_whole_slice_and_the_middle_is_scored() -> None:
    whole = expose(cell("us/us-speckle/0.1"), SONOGRAM, replace(PROTOCOL, crop=10000))
    exposure = exposed("us/us-speckle/0.1")
    assert whole.noisy.shape == (384, 384)
    np.testing.assert_array_equal(exposure.noisy, whole.noisy[64:320, 64:320])
    np.testing.assert_array_equal(exposure.clean, whole.clean[64:320, 64:320])


def test_the_same_cell_and_image_have_the_same_noise() -> None:
    np.testing.assert_array_equal(exposed("us/speckle/0.1").noisy, exposed("us/speckle/0.1").noisy)


def test_a_clean_cell_has_no_noise_at_all() -> None:
    assert exposed("us/clean/0").level == 0


def test_a_measured_image_is_taken_as_it_is(data: Path) -> None:
    source = next(source for source in find_sources(data) if source.noisy)
    measured = source.load(PROTOCOL).noisy
    assert measured is not None
    np.testing.assert_array_equal(exposed("oct/real/measured", source).noisy, measured.astype(np.float32))


def test_low_dose_on_8_bits_is_refused(data: Path) -> None:
    source = Source("a", "ct", "a", (data / "us_1.png",))
    with pytest.raises(ValueError, match="values must be HU for low-dose, got 8-bit pixels"):
        exposed("ct/low-dose/0.5", source)


def test_a_reference_is_the_mean_of_two_by_two_pixels(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (201, 220), dtype=np.uint8)
    Raster.fromarray(values).save(tmp_path / "us.png")
    exposure = exposed("us/gaussian/25", Source("us.png", "us", "p", (tmp_path / "us.png",)))
    expected = block_reduce(values[:200] / 255, (2, 2), np.mean)
    assert exposure.clean == pytest.approx(expected, abs=1e-6)
    assert exposure.level == pytest.approx(25 / 255, rel=0.03)


@pytest.mark.parametrize(
    ("side", "name", "version"), [(150, "us/gaussian/25", 3), (220, "us/gaussian/25", 2), (220, "us/clean/0", 3)]
)
def test_small_images_phantoms_cells_and_the_earlier_protocol_keep_their_size(
    tmp_path: Path, side: int, name: str, version: int
) -> None:
    Raster.fromarray(np.full((side, side), 99, np.uint8)).save(tmp_path / "us.png")
    protocol = load_protocol(version=version)
    here = next(cell for cell in protocol.cells if cell.name == name)
    source = Source("us.png", "us", "p", (tmp_path / "us.png",))
    assert expose(here, source, protocol).clean.shape == (side, side)
    assert expose(cell("us/gaussian/25"), SONOGRAM, PROTOCOL).clean.shape == (256, 256)


def test_a_foreign_cell_adds_its_laws_noise() -> None:
    exposure = exposed("us/foreign-smooth/12 1.0")
    noise = exposure.noisy - exposure.clean
    assert noise.std() == pytest.approx(12 / 255, rel=0.05)
    assert np.mean(noise[1:] * noise[:-1]) / noise.var() == pytest.approx(np.exp(-1 / 4), abs=0.03)
