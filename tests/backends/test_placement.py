"""Claims about the backends: they compute what torch does, and say in one line why they cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, nn

from monai_gan_denoise import cli
from monai_gan_denoise.backends import (
    BACKENDS,
    RuntimeNetwork,
    cached_file,
    export_onnx,
    onnx_runtime,
    openvino_runtime,
    place,
    placement,
)
from monai_gan_denoise.networks import GanDenoiser, weights_hash

SIZES = [(1, 1, 16, 16), (1, 1, 17, 31), (3, 1, 64, 96)]
every_runtime = pytest.mark.parametrize("backend", ["onnx", "openvino"])


@pytest.mark.slow
@every_runtime
def test_a_backend_computes_what_torch_does_at_any_size(
    backend: str, network: GanDenoiser, cache_folder: Path, rng: Generator
) -> None:
    placed = place(network, backend, "cpu")
    assert isinstance(placed, RuntimeNetwork)
    for size in SIZES:
        noisy = torch.rand(size, generator=rng)
        with torch.inference_mode():
            expected = network(noisy)
            torch.testing.assert_close(placed(noisy), expected, atol=1e-4, rtol=0)
            assert (expected - noisy).abs().max() > 0.01


@pytest.mark.slow
@every_runtime
def test_a_backend_computes_the_level_and_the_denoising_at_one_that_is_told(
    backend: str, network: GanDenoiser, cache_folder: Path, rng: Generator
) -> None:
    placed = place(network, backend, "cpu")
    assert len(list(cache_folder.iterdir())) == 1  # what is not asked for is not made
    for size in SIZES:
        noisy = torch.rand(size, generator=rng)
        with torch.inference_mode():  # as in a run
            level = network.noise_level(noisy)
            torch.testing.assert_close(placed.noise_level(noisy), level, atol=1e-4, rtol=0)
            told = network(noisy, 2 * level)
            torch.testing.assert_close(placed(noisy, 2 * level), told, atol=1e-4, rtol=0)
            assert (told - network(noisy)).abs().max() > 1e-3
    assert len(list(cache_folder.iterdir())) == 3


def test_a_network_without_a_level_has_none_in_a_backend(network: GanDenoiser) -> None:
    assert not hasattr(
        RuntimeNetwork(nn.Identity(), lambda noisy: noisy, lambda graph: lambda noisy: noisy), "noise_level"
    )
    with pytest.raises(ValueError, match=r"network must be one with further graphs, got one without\."):
        RuntimeNetwork(network, lambda noisy: noisy)(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))


@pytest.mark.slow
def test_the_file_is_written_once_and_a_damaged_one_again(
    network: GanDenoiser, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(placement, "export_onnx", lambda *args: written.append(export_onnx(*args)))
    for _ in range(2):
        place(network, "onnx", "cpu")
    (file,) = cache_folder.iterdir()
    assert written == [file]
    file.write_bytes(file.read_bytes()[:1000])
    place(network, "onnx", "cpu")
    assert written == [file, file]
    assert list(cache_folder.iterdir()) == [file]


@pytest.mark.slow
def test_a_file_of_another_architecture_with_these_weights_is_written_again(
    network: GanDenoiser, cache_folder: Path
) -> None:
    place(network, "onnx", "cpu")
    network.refinement.bound = 0.5  # which no weight shows
    placed = place(network, "onnx", "cpu")
    noisy = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(placed(noisy), network(noisy), atol=1e-4, rtol=0)


def test_a_backend_that_computes_something_else_is_refused(
    network: GanDenoiser, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(placement.LIBRARIES, "onnx", placement.Library(lambda *_: lambda noisy: noisy * np.nan, ()))
    monkeypatch.setattr(placement, "export_onnx", lambda network, path, graph: path)
    with pytest.raises(ValueError, match=r"backend must agree with torch to 0.001 of the range, got nan from onnx\."):
        place(network, "onnx", "cpu")


def test_torch_is_the_network_itself_in_the_fast_layout(network: GanDenoiser) -> None:
    placed = place(network, "torch", "cpu")
    assert placed is network
    assert network.generator.head.weight.is_contiguous(memory_format=torch.channels_last)


def test_an_unknown_backend_is_refused(network: GanDenoiser) -> None:
    with pytest.raises(ValueError, match=r"backend must be one of torch, onnx, openvino, got 'tensorrt'\. Choose one."):
        place(network, "tensorrt", "cpu")


@every_runtime
def test_a_backend_on_a_gpu_is_refused(backend: str, network: GanDenoiser) -> None:
    message = f"device must be cpu for the backend {backend}, got 'cuda:1'. Pass --device cpu."
    with pytest.raises(ValueError, match=re.escape(message)):
        place(network, backend, torch.device("cuda", 1))


@every_runtime
def test_a_missing_library_names_its_extra(backend: str, network: GanDenoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "find_spec", lambda name: None if name == "onnx" else name)
    message = (
        f"backend must be one whose libraries are installed, got '{backend}' without onnx. "
        f"Run pip install 'monai-gan-denoise[{backend}]' or pass --backend torch."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        place(network, backend, "cpu")


def test_the_command_line_offers_every_backend() -> None:
    assert cli.BACKENDS == BACKENDS


def test_the_hash_of_the_weights_does_not_tell_where_they_run(network: GanDenoiser) -> None:
    assert weights_hash(RuntimeNetwork(network, lambda noisy: noisy)) == weights_hash(network)


def test_windows_of_an_image_are_laid_as_the_network_wants_them(network: GanDenoiser) -> None:
    placed = RuntimeNetwork(network, lambda noisy: noisy)
    assert (placed.stride, placed.reach) == (network.stride, getattr(network, "reach", None))


def test_other_weights_have_another_file(network: GanDenoiser, cache_folder: Path) -> None:
    first = cached_file(network)
    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert cached_file(network) != first
    assert {first.parent, cached_file(network).parent} == {cache_folder}


def test_without_a_cache_the_file_is_temporary(
    network: GanDenoiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    file = cached_file(network)
    assert file.parent.is_dir()
    assert cache_folder not in file.parents


@pytest.mark.slow
def test_onnx_runtime_leaves_no_identifier_and_sends_nothing(tmp_path: Path) -> None:
    export_onnx(_Twice().eval(), tmp_path / "twice.onnx")
    program = (
        "import os, pathlib, sys; from monai_gan_denoise.backends import onnx_runtime; "
        "onnx_runtime(pathlib.Path(sys.argv[1]), 1); sys.stdout.write(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    suppressed = {"CI", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY"}  # any of which would hide what we do not do
    kept = {name: value for name, value in os.environ.items() if name not in suppressed}
    cache = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "twice.onnx")],
        env={**kept, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1"), done.stderr
    assert not list(cache.glob("Microsoft/**/deviceid"))


class _Twice(nn.Module):
    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        return 2 * noisy


@pytest.mark.slow
@pytest.mark.parametrize("opener", [onnx_runtime, openvino_runtime])
def test_an_output_is_kept_when_the_next_one_is_computed(opener: type, tmp_path: Path) -> None:
    run = opener(export_onnx(_Twice().eval(), tmp_path / "twice.onnx"), 1)
    first = run(np.ones((1, 1, 16, 16), np.float32))
    run(np.zeros((1, 1, 16, 16), np.float32))
    assert (first == 2).all()


@pytest.mark.slow
@pytest.mark.parametrize("opener", [onnx_runtime, openvino_runtime])
def test_threads_may_share_a_runtime(opener: type, tmp_path: Path) -> None:
    run = opener(export_onnx(_Twice().eval(), tmp_path / "twice.onnx"), 1)
    images = [np.full((1, 1, 512, 512), value, np.float32) for value in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for value, output in enumerate(pool.map(run, images)):
            assert (output == 2 * value).all()
