"""MR magnitudes through the whole pipeline: nothing below zero, and no bias where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from monai_gan_denoise import Denoiser, GanDenoised

ROWS, COLUMNS = np.mgrid[:192, :192] - 96.0


def head() -> np.ndarray:
    image = np.where(COLUMNS**2 / 80**2 + ROWS**2 / 90**2 < 1, 600.0, 0.0)
    image[(COLUMNS - 20) ** 2 + ROWS**2 < 300] = 1000
    image[(COLUMNS + 30) ** 2 + ROWS**2 < 500] = 250
    return image


def rice(image: np.ndarray, level: float) -> np.ndarray:
    noise = level * np.random.default_rng(0).normal(size=(2, *image.shape))
    return np.hypot(image + noise[0], noise[1]).astype(np.float32)


def shells() -> np.ndarray:
    return rice(np.stack([head() * np.exp(-0.8 * shell) for shell in range(4)], -1), 40)


def diffusivity() -> np.ndarray:
    noise = np.abs(1e-4 * np.random.default_rng(0).normal(size=head().shape))
    return (np.where(COLUMNS**2 + ROWS**2 < 80**2, 1e-3, 0) + noise).astype(np.float32)


def overshooting(noisy: Tensor) -> Tensor:
    """A network that removes too much: at edges below the range, as by ringing, and everywhere a bit."""
    smooth = F.avg_pool2d(F.pad(noisy, (4, 4, 4, 4), mode="replicate"), 9, 1)
    return smooth - 2 * F.avg_pool2d(F.pad(noisy - smooth, (1, 1, 1, 1), mode="replicate"), 3, 1) - 0.1


def averaging(noisy: Tensor) -> Tensor:
    """A network that gives the mean of what it sees."""
    return F.avg_pool2d(F.pad(noisy, (7, 7, 7, 7), mode="replicate"), 15, 1)


@pytest.fixture
def with_network(two_weights: Path) -> Callable[[Callable[[Tensor], Tensor]], Denoiser]:
    def build(forward: Callable[[Tensor], Tensor]) -> Denoiser:
        denoiser = Denoiser(two_weights, device="cpu")
        denoiser.network.forward = forward
        return denoiser

    return build


With = Callable[[Callable[[Tensor], Tensor]], Denoiser]


@pytest.mark.parametrize("debias", ["auto", "off"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("level", [20, 150])
def test_no_magnitude_becomes_negative(with_network: With, level: float, dtype: type, debias: str) -> None:
    noisy = rice(head(), level).astype(dtype)
    result = with_network(overshooting).denoise(noisy, "mr", debias=debias)
    assert result.min() >= 0
    assert (result < 1e-3).mean() > 0.03  # that is, some of it was held there


@pytest.mark.parametrize("debias", ["auto", "off"])
@pytest.mark.parametrize("make", [shells, diffusivity])
def test_no_volume_and_no_map_becomes_negative(with_network: With, make: Callable[[], np.ndarray], debias: str) -> None:
    assert with_network(overshooting).denoise(make(), "mr", debias=debias).min() >= 0


def test_an_image_with_a_sign_keeps_it(with_network: With) -> None:
    signed = rice(head(), 20) - 100
    assert with_network(overshooting).denoise(signed, "mr", debias="auto").min() < -100


@pytest.mark.parametrize("level", [30, 90])
def test_debias_takes_the_bias_of_air_and_tissue_away(with_network: With, level: float) -> None:
    denoiser, noisy = with_network(averaging), rice(head(), level)
    on, off = (denoiser.denoise(noisy, "mr", debias=way) for way in ("auto", "off"))
    inside = (COLUMNS + 30) ** 2 + ROWS**2 < 150  # as far from an edge as the average reaches
    assert off[inside].mean() == pytest.approx(250 + level**2 / 500, abs=0.04 * level)
    assert on[inside].mean() == pytest.approx(250, abs=0.06 * level)
    assert off[:16, :16].mean() == pytest.approx(1.253 * level, rel=0.05)
    assert on[:16, :16].mean() < 0.4 * level


def test_debias_is_the_same_in_a_run_a_scan_and_a_transform(
    with_network: With, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    denoiser, noisy = with_network(averaging), rice(head(), 60)
    nibabel.save(nibabel.Nifti1Image(noisy[..., None], np.eye(4)), tmp_path / "a.nii")
    denoiser.run(tmp_path / "a.nii", tmp_path / "out", modality="mr", debias="auto")
    expected = denoiser.denoise(noisy, "mr", debias="auto")
    np.testing.assert_allclose(
        np.asarray(nibabel.load(tmp_path / "out" / "a.nii").dataobj)[..., 0], expected, atol=0.05
    )
    transform = GanDenoised("image", "mr", debias="auto")
    monkeypatch.setattr(transform, "_denoiser", denoiser)
    np.testing.assert_array_equal(transform({"image": torch.as_tensor(noisy)[None]})["image"][0], expected)


def test_a_run_tells_whether_it_removed_the_bias_and_does_not_mix(with_network: With, tmp_path: Path) -> None:
    denoiser = with_network(averaging)
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image(rice(head(), 60)[..., None], np.eye(4)), tmp_path / "in" / "a.nii")
    for way, skipped in (("off", 0), ("off", 1), ("auto", 0)):
        denoiser.run(tmp_path / "in", tmp_path / "out", modality="mr", debias=way, resume=True)
        report = json.loads((tmp_path / "out" / "run_report.json").read_text(encoding="utf-8"))
        assert report["settings"]["debias"] == way
        assert [scan["status"] for scan in report["scans"]] == ["skipped" if skipped else "denoised"]


def test_a_way_that_is_none_is_refused(with_network: With) -> None:
    with pytest.raises(ValueError, match="debias must be one of auto, off, got 'on'"):
        with_network(averaging).denoise(rice(head(), 20), "mr", debias="on")
    with pytest.raises(ValueError, match="debias must be one of auto, off, got 'on'"):
        GanDenoised("image", "mr", debias="on")
