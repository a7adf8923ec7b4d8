"""The whole pipeline with another backend than torch, and the shipped weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import Denoiser
from monai_gan_denoise.backends import onnx_file
from monai_gan_denoise.cli import main

pytestmark = pytest.mark.slow

every_runtime = pytest.mark.parametrize("backend", ["onnx", "openvino"])
RANGE = 255.0


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for all tests here, so that the network is written once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        onnx_file._folder.cache_clear()
        yield folder
    onnx_file._folder.cache_clear()


@every_runtime
@pytest.mark.parametrize("size", [(48, 64), (33, 57), (17, 16, 3)])
def test_a_backend_denoises_as_torch_does(backend: str, size: tuple[int, ...]) -> None:
    noisy = np.random.default_rng(0).normal(0.5, 0.1, size).clip(0, 1).astype(np.float32) * RANGE
    expected, result = (Denoiser(device="cpu", backend=name).denoise(noisy, "us") for name in ("torch", backend))
    assert np.abs(result - expected).max() <= 1e-3 * RANGE
    assert np.abs(expected - noisy).max() > 0.05 * RANGE


@every_runtime
def test_a_backend_writes_the_file_that_torch_writes(backend: str, tmp_path: Path) -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (33, 48)).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    results = []
    for name in ("torch", backend):
        target = tmp_path / f"{name}.png"
        with pytest.raises(SystemExit) as ended:
            main(["denoise", str(tmp_path / "noisy.png"), str(target), "--modality", "us", "--backend", name])
        assert ended.value.code == 0
        results.append(np.asarray(Image.open(target)).astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1  # a value that lies on the border between two steps
    assert not np.array_equal(results[0], noisy)


def test_the_backend_cannot_be_changed_between_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"settings must be those of a run, got backend\. Pass it to Denoiser\."):
        Denoiser(device="cpu").run(tmp_path, tmp_path / "out", backend="onnx")


def test_a_backend_that_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monai_gan_denoise.backends.placement.find_spec", lambda name: None)
        with pytest.raises(SystemExit) as ended:
            main(["denoise", str(tmp_path), str(tmp_path / "out"), "--backend", "openvino"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Run pip install 'monai-gan-denoise[openvino]'" in error
