"""Series of volumes, one after the other: the same bytes as at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from monai_gan_denoise import Denoiser
from monai_gan_denoise.engines import ScanEvaluator
from monai_gan_denoise.io import volume_series as by_volume
from monai_gan_denoise.networks import GanDenoiser
from monai_gan_denoise.transforms import intensity


@pytest.fixture(autouse=True)
def mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that shows whether each slice met its own: the mean of 3 x 3."""
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: F.avg_pool2d(noisy, 3, 1, 1))


def series(path: Path, shape: tuple[int, ...] = (17, 19, 3, 5), dtype: str = "i2", slope: float = 1) -> Path:
    """Volumes that grow brighter, so that the range of one is not that of all."""
    rng = np.random.default_rng(5)
    rise = np.linspace(1, 3, int(np.prod(shape[3:]))).reshape(shape[3:])
    values = (rng.gamma(4, 8, shape) * rise).astype(dtype)
    image = nibabel.Nifti1Image(values, np.diag([1, 1, 2, 1]))
    image.header.set_slope_inter(slope, 0)
    nibabel.save(image, path)
    return path


def run(source: Path, folder: Path, modality: str = "mr", strength: float = 1.0) -> ScanEvaluator:
    return Denoiser(device="cpu").run(source, folder, modality=modality, strength=strength)


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("shape", [(17, 19, 3, 5), (17, 19, 3, 2, 4), (17, 19, 1, 1, 3)])
@pytest.mark.parametrize(("modality", "dtype"), [("mr", "i2"), ("mr", "f4"), ("ct", "i2"), ("us", "u1")])
def test_a_series_is_denoised_by_volumes_to_the_bytes_of_at_once(
    tmp_path: Path,
    name: str,
    shape: tuple[int, ...],
    modality: str,
    dtype: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = series(tmp_path / name, shape, dtype)
    run(source, tmp_path / "whole", modality)
    monkeypatch.setattr(by_volume, "LARGE", 0)
    assert run(source, tmp_path / "parts", modality).exit_code == 0
    assert content(tmp_path / "parts" / name) == content(tmp_path / "whole" / name)
    assert content(tmp_path / "parts" / name) != content(source)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [name]


def test_one_volume_is_in_the_network_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(by_volume, "LARGE", 0)
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: seen.append(len(noisy)) or noisy.clone())
    run(series(tmp_path / "a.nii"), tmp_path / "out")
    assert seen == [3] * 5


def test_strength_0_gives_every_byte_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_volume, "LARGE", 0)
    source = series(tmp_path / "a.nii", dtype="f4")
    run(source, tmp_path / "out", strength=0)
    assert (tmp_path / "out" / "a.nii").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("shape", [(17, 19, 3, 5), (17, 19, 3, 2, 4)])
def test_the_range_is_that_of_all_values_and_drawn_as_from_all(
    tmp_path: Path, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_volume, "LARGE", 0)
    monkeypatch.setattr(intensity, "ROBUST_SAMPLE", 500)  # fewer than the series has
    path = series(tmp_path / "a.nii.gz", shape, slope=0.5)
    values = torch.as_tensor(nibabel.load(path).get_fdata(dtype=np.float32))
    found = by_volume.large_series([path])
    assert found is not None
    assert intensity.modality_range(found, "mr") == intensity.modality_range(values, "mr")
    assert (found.min(), found.max()) == (float(values.min()), float(values.max()))
    index = torch.randint(values.numel(), (4, 25))
    assert torch.equal(found.take(index), values.take(index))


def test_a_volume_that_cannot_be_used_fails_its_series_alone_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_volume, "LARGE", 0)
    (tmp_path / "in").mkdir()
    bad, good = (series(tmp_path / "in" / f"{name}.nii", dtype="f4") for name in ("bad", "good"))
    values = np.array(nibabel.load(good).get_fdata(dtype=np.float32))
    values[3, 3, 1, 4] = np.nan
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 2, 1])), bad)
    evaluator = run(tmp_path / "in", tmp_path / "out", "ct")
    assert [outcome.failure for outcome in evaluator.outcomes] == [
        f"values must be finite, got 1 NaN or infinite in {bad}. Replace them first.",
        None,
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.nii", "run_report.json"]


def test_what_is_no_large_series_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = series(tmp_path / "a.nii")
    assert by_volume.large_series([path]) is None
    monkeypatch.setattr(by_volume, "LARGE", 0)
    assert by_volume.large_series([path]) is not None
    assert by_volume.large_series([series(tmp_path / "b.nii", (17, 19, 3))]) is None
