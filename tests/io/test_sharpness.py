"""Claims about CT of sharp kernels among the images to train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from monai_gan_denoise.io import load_training_datalist, mark_sharp
from monai_gan_denoise.scans.errors import InputError

Writer = Callable[..., dict[str, str]]
DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def write_ct(tmp_path: Path) -> Writer:
    """Write a disc of water in air, with noise of the given deviation, blurred to the given grain."""

    def write(deviation: float, grain: float = 0.0, depth: int = 0) -> dict[str, str]:
        rows, columns = np.mgrid[:96, :96] - 48
        noise = np.random.default_rng(5).normal(size=(96, 96))
        if grain:
            noise = ndimage.gaussian_filter(noise, grain)
        slice_ = np.where(np.hypot(rows, columns) < 40, 40.0, -1000.0) + deviation * noise / noise.std()
        image = np.stack([np.full_like(slice_, 40.0)] * depth + [slice_] + [np.full_like(slice_, 40.0)] * depth)
        file = tmp_path / f"{deviation:g}_{grain:g}_{depth}.nii"
        sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.int16)), str(file))
        return {"label": str(file), "modality": "ct"}

    return write


def sharp(*items: dict[str, str]) -> list[bool]:
    return [item.get("sharp", False) for item in mark_sharp(items)]


def test_strong_noise_of_a_fine_grain_marks_a_ct(write_ct: Writer) -> None:
    assert sharp(write_ct(30.0), write_ct(12.0), write_ct(0.0)) == [True, False, False]


def test_a_coarse_grain_does_not(write_ct: Writer) -> None:
    assert sharp(write_ct(30.0, grain=1.5)) == [False]


def test_the_middle_slice_tells_of_a_volume(write_ct: Writer) -> None:
    assert sharp(write_ct(30.0, depth=2)) == [True]


def test_the_deviation_can_be_set(write_ct: Writer) -> None:
    item = write_ct(30.0)
    assert "sharp" in mark_sharp([item], deviation=28.0)[0]
    assert mark_sharp([item], deviation=34.0) == [item]


def test_pairs_and_other_modalities_are_not_read(write_ct: Writer) -> None:
    item = write_ct(30.0)
    items = [{**item, "modality": "mr"}, {**item, "image": "nowhere.nii"}]
    assert mark_sharp(items) == items


def test_gray_levels_are_no_hu(tmp_path: Path) -> None:
    file = tmp_path / "windowed.png"
    sitk.WriteImage(
        sitk.GetImageFromArray(np.random.default_rng(6).integers(0, 256, (64, 64)).astype(np.uint8)), str(file)
    )
    assert sharp({"label": str(file), "modality": "ct"}) == [False]


def test_a_ct_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.nii"
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.nii"):
        mark_sharp([{"label": str(file), "modality": "ct"}])


@pytest.mark.skipif(not DATA.is_dir(), reason="the project's images lie beside the repository: ../shared/data")
def test_six_slices_of_the_projects_training_images_are_sharp() -> None:
    assert sum(sharp(*load_training_datalist(DATA))) == 6
