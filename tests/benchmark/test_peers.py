"""Peers, against direct calls of their libraries."""

from __future__ import annotations

from collections.abc import Callable

import ants
import bm3d
import bm4d
import numpy as np
import pytest
import SimpleITK as sitk
from dipy.denoise.nlmeans import nlmeans
from scipy.ndimage import gaussian_filter, median_filter
from skimage import restoration

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark import peers
from monai_gan_denoise.benchmark.methods import BLIND, ORACLE, find_method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.peers import PEERS, estimate_level

CLEAN = phantoms.head(48).astype(np.float32)
NOISY = (CLEAN + 0.1 * np.random.default_rng(15).standard_normal(CLEAN.shape)).astype(np.float32)
LEVEL = restoration.estimate_sigma(NOISY)
EXPOSURE = Exposure("mr", NOISY, CLEAN.astype(float), 0.0, 255.0, 8)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more, ANTs gives other bits at every call; a run of the benchmark sets the same."""
    monkeypatch.setenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")


def by_ants(model: str) -> np.ndarray:
    scaled = ants.denoise_image(ants.from_numpy(4095 * NOISY), noise_model=model)
    return np.asarray(scaled.numpy() / 4095)


def by_bm3d(level: float) -> np.ndarray:
    profile = bm3d.BM3DProfile()
    profile.num_threads = 1
    return np.asarray(bm3d.bm3d(NOISY, level, profile))


def by_bm4d(level: float) -> np.ndarray:
    profile = bm4d.BM4DProfile2D()
    profile.num_threads = 1
    return np.asarray(bm4d.bm4d(NOISY[:, :, np.newaxis], level, profile))[:, :, 0]


def by_bilateral() -> np.ndarray:
    shifted = restoration.denoise_bilateral(
        NOISY - NOISY.min(), win_size=5, sigma_color=2 * LEVEL, sigma_spatial=1.5, mode="edge"
    )
    return np.asarray(shifted + NOISY.min())


DIRECT: dict[str, Callable[[], np.ndarray]] = {
    "median": lambda: median_filter(NOISY, 3, mode="nearest"),
    "gaussian": lambda: gaussian_filter(NOISY, 1, mode="nearest"),
    "bilateral": by_bilateral,
    "tv": lambda: restoration.denoise_tv_chambolle(NOISY, LEVEL),
    "wavelet": lambda: restoration.denoise_wavelet(NOISY, LEVEL, rescale_sigma=True),
    "nlm": lambda: restoration.denoise_nl_means(NOISY, 5, 6, 0.8 * LEVEL, sigma=LEVEL),
    "curvature": lambda: sitk.GetArrayFromImage(sitk.CurvatureAnisotropicDiffusion(sitk.GetImageFromArray(NOISY))),
    "rician-nlm": lambda: nlmeans(np.stack([NOISY] * 3, -1), LEVEL, rician=True, num_threads=1)[..., 1],
    "ants": lambda: by_ants("Gaussian"),
    "ants-rician": lambda: by_ants("Rician"),
    "bm3d": lambda: by_bm3d(LEVEL),
    "bm4d": lambda: by_bm4d(LEVEL),
}
SLOW = ("bm3d", "bm4d")


def error(image: np.ndarray) -> float:
    return float(np.mean((np.clip(image, 0, 1) - CLEAN) ** 2))


@pytest.mark.parametrize("name", PEERS)
def test_a_blind_peer_gives_what_a_direct_call_of_its_library_gives(name: str) -> None:
    mode, output = next(find_method(name).outputs(EXPOSURE))
    assert mode == BLIND
    np.testing.assert_allclose(output, DIRECT[name](), atol=1e-6)


@pytest.mark.parametrize("name", [name for name in PEERS if name not in SLOW])
def test_an_oracle_is_the_best_of_its_grid_and_of_the_blind_setting(name: str) -> None:
    outputs = dict(find_method(name).outputs(EXPOSURE))
    peer = PEERS[name]
    factor = float(np.sqrt(np.mean((NOISY - CLEAN) ** 2))) if peer.scaled else 1.0
    candidates = [peer.denoise(NOISY, factor * setting) for setting in peer.grid]
    assert error(outputs[ORACLE]) == pytest.approx(min(error(image) for image in (*candidates, outputs[BLIND])))


def test_an_oracle_of_bm3d_may_use_the_true_level() -> None:
    oracle = dict(find_method("bm3d").outputs(EXPOSURE))[ORACLE]
    assert error(oracle) == pytest.approx(min(error(by_bm3d(EXPOSURE.level)), error(by_bm3d(LEVEL))))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_repeats_itself_whatever_was_in_memory_before(name: str) -> None:
    peer = PEERS[name]
    first = peer.denoise(NOISY, peer.blind)
    for _ in range(2):
        garbage = [np.random.default_rng(1).standard_normal(size) for size in (64, 2304, 6912, 20000) for _ in "abcd"]
        del garbage
        np.testing.assert_array_equal(peer.denoise(NOISY, peer.blind), first)


def test_the_level_is_estimated_by_scikit_image() -> None:
    assert estimate_level(NOISY) == pytest.approx(LEVEL)


@pytest.mark.parametrize("name", [name for name in PEERS if name not in SLOW])
def test_an_image_without_noise_is_no_division_by_zero(name: str) -> None:
    peer = PEERS[name]
    setting, grid = peer.settings(CLEAN, 0.0)
    for value in (setting, *grid):
        assert np.isfinite(peer.denoise(CLEAN, value)).all()


def test_a_library_that_is_absent_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "bm3d" else name)
    assert PEERS["bm3d"].absent == "bm3d is not installed: pip install 'monai-gan-denoise[bench]'"
    assert not PEERS["median"].absent
