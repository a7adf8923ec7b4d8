"""The images that are measured: only those meant for it, in the range that the protocol states."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Raster
from skimage.filters import gaussian

from monai_gan_denoise.benchmark import load_protocol
from monai_gan_denoise.benchmark.images import Source, find_sources, packaged_sources
from monai_gan_denoise.scans.errors import InputError

PROTOCOL = load_protocol()


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Raster.open(path)).astype(float)


def volume(path: Path, values: np.ndarray) -> Source:
    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), np.diag([1, 1, 3, 1])), path)
    return Source("v", "mr", "v", (path,))


def test_a_manifest_gives_its_test_images_and_real_pairs_only(data: Path) -> None:
    found = {source.name: (source.modality, source.patient, bool(source.noisy)) for source in find_sources(data)}
    assert found == {
        "us_1.png": ("us", "here p1", False),
        "us_2.png": ("us", "here p2", False),
        "xr_1.png": ("xr", "xr_1.png", False),
        "xr_2.png": ("xr", "xr_2.png", False),
        "oct_noisy.png": ("oct", "here p4", True),
    }


def test_the_split_val_gives_its_images_alone(data: Path) -> None:
    text = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(text.replace("us_2.png,us,test", "us_2.png,us,val"))
    assert [source.name for source in find_sources(data, "val")] == ["us_2.png"]
    assert "us_2.png" not in {source.name for source in find_sources(data)}


def test_images_to_train_on_are_not_measured(data: Path) -> None:
    with pytest.raises(ValueError, match="split must be one of test, val, got 'train'"):
        find_sources(data, "train")


def test_a_split_without_images_is_refused(data: Path) -> None:
    with pytest.raises(InputError, match="--data must hold images of the split val, got none"):
        find_sources(data, "val")


def test_a_folder_without_manifest_gives_every_image(data: Path) -> None:
    (data / "manifest.csv").unlink()
    (data / "us").mkdir()
    for path in data.glob("*.png"):
        path.rename(data / "us" / path.name)
    assert {(source.name, source.modality) for source in find_sources(data)} >= {("us/us_1.png", "us")}


def test_a_manifest_without_splits_gives_every_image_and_pair(data: Path) -> None:
    (data / "manifest.csv").write_text(
        "file,modality,kind,pair\nus_1.png,us,,\noct_clean.png,oct,clean,eye\noct_noisy.png,oct,noisy,eye\n"
    )
    assert [(source.name, bool(source.noisy)) for source in find_sources(data)] == [
        ("us_1.png", False),
        ("oct_noisy.png", True),
    ]


def test_nothing_to_test_on_is_refused(data: Path) -> None:
    (data / "manifest.csv").write_text("file,modality,split\ntrain.png,us,train\n")
    with pytest.raises(InputError, match="--data must hold images of the split test or real_test, got none"):
        find_sources(data)


def test_a_pair_without_its_other_side_is_refused(data: Path) -> None:
    (data / "manifest.csv").write_text("file,modality,split,kind,pair\noct_clean.png,oct,real_test,clean,eye\n")
    with pytest.raises(InputError, match="pair must have a noisy and a clean side, got one of eye"):
        find_sources(data)


def test_what_packages_ship_has_every_modality_and_loads() -> None:
    sources = packaged_sources()
    assert {source.modality for source in sources} == set(PROTOCOL.modalities)
    for source in sources:
        clean = source.load(PROTOCOL).clean
        assert clean.ndim == 2
        assert 0 <= clean.min() < clean.max() <= 1


def test_8_bit_images_have_a_range_of_255(data: Path) -> None:
    image = find_sources(data)[0].load(PROTOCOL)
    assert (image.lower, image.width, image.bits) == (0, 255, 8)
    np.testing.assert_allclose(image.clean, pixels(data / "us_1.png") / 255)


def test_ct_has_a_range_of_3000_hu(tmp_path: Path) -> None:
    hounsfield = np.random.default_rng(1).integers(-1000, 1500, (20, 24))
    Raster.fromarray((hounsfield + 1024).astype(np.uint16)).save(tmp_path / "a.png")
    image = Source("a", "ct", "a", (tmp_path / "a.png",)).load(PROTOCOL)
    assert (image.lower, image.width, image.bits) == (-1024, 3000, None)
    np.testing.assert_allclose(image.clean, (hounsfield + 1024) / 3000)


def test_16_bits_of_other_modalities_hold_no_offset(tmp_path: Path) -> None:
    stored = np.linspace(0, 4095, 400).reshape(20, 20).astype(np.uint16)
    Raster.fromarray(stored).save(tmp_path / "a.png")
    image = Source("a", "mr", "a", (tmp_path / "a.png",)).load(PROTOCOL)
    assert (image.lower, image.width) == (0, 4095)
    np.testing.assert_allclose(image.clean, stored / 4095)


@pytest.mark.parametrize(("highest", "width"), [(1, 1), (900, 4095), (4095, 4095), (5000, 65535)])
def test_other_images_have_the_narrowest_range_that_holds_them(tmp_path: Path, highest: float, width: float) -> None:
    values = np.random.default_rng(1).uniform(0, 1, (20, 24, 3)) * highest
    values[0, 0] = highest
    assert volume(tmp_path / "v.nii", values).load(PROTOCOL).width == width


def test_values_beyond_every_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"values must be at most 65535, got 70000 in .*v\.nii"):
        volume(tmp_path / "v.nii", np.full((20, 24, 3), 70000)).load(PROTOCOL)


def test_of_a_volume_the_middle_slice_is_taken(tmp_path: Path) -> None:
    values = np.random.default_rng(1).uniform(0, 4000, (20, 24, 5))
    clean = volume(tmp_path / "v.nii", values).load(PROTOCOL).clean
    np.testing.assert_allclose(clean * 4095, values[..., 2], rtol=1e-6)


def test_the_reference_of_a_pair_is_mapped_to_the_noisy_side(data: Path) -> None:
    image = next(source for source in find_sources(data) if source.noisy).load(PROTOCOL)
    clean, noisy = (pixels(data / f"oct_{side}.png") / 255 for side in ("clean", "noisy"))
    gain, offset = np.polyfit(gaussian(clean, 3).ravel(), gaussian(noisy, 3).ravel(), 1)
    np.testing.assert_allclose(image.clean, np.clip(gain * clean + offset, 0, 1), atol=1e-6)
    assert image.noisy is not None
    np.testing.assert_allclose(image.noisy, noisy)


def test_sides_of_two_sizes_are_refused(data: Path) -> None:
    Raster.fromarray(np.zeros((30, 30), np.uint8)).save(data / "oct_noisy.png")
    source = next(source for source in find_sources(data) if source.noisy)
    with pytest.raises(InputError, match="sides of a pair must have one size"):
        source.load(PROTOCOL)
