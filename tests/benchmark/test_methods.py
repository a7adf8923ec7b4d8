"""Ours and files of networks, against the network itself."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from monai_gan_denoise import Denoiser
from monai_gan_denoise.benchmark import learned, methods
from monai_gan_denoise.benchmark.learned import LEARNED
from monai_gan_denoise.benchmark.methods import NOISY, OURS, OURS_ADVERSARIAL, find_method, resolve_names
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.peers import PEERS
from monai_gan_denoise.networks import DnCNN, NoRefinement, PlainGenerator, PlainRefinement, TwoStageDenoiser

VALUES = np.random.default_rng(16).normal(0.5, 0.3, (40, 50)).astype(np.float32)


def exposure(bits: int | None = 8, modality: str = "us", lower: float = 0, width: float = 255) -> Exposure:
    return Exposure(modality, VALUES, VALUES.astype(float), lower, width, bits)


def halved(path: Path) -> Path:
    """An ONNX file that halves its input."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, "h", "w"]) for name in ("x", "y")]
    half = helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "half"], ["y"])], "g", tensors[:1], tensors[1:], [half])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


def doubled(path: Path) -> Path:
    """A TorchScript file that doubles its input and fails unless sides are multiples of 16."""

    class Double(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            assert image.shape[2] % 16 == 0
            assert image.shape[3] % 16 == 0
            return 2 * image

    torch.jit.script(Double()).save(str(path))
    return path


def output_of(name: str, image: Exposure) -> np.ndarray:
    ((_, output),) = find_method(name).outputs(image)
    return output


@pytest.mark.parametrize("image", [exposure(), exposure(None, "ct", -1024, 3000)], ids=["8 bits", "HU"])
def test_ours_is_the_bundles_network_on_the_range_of_the_file(image: Exposure) -> None:
    with torch.inference_mode():
        expected = Denoiser(device="cpu").network(torch.as_tensor(VALUES)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(output_of(OURS, image), expected, atol=2e-5)


def test_ours_is_the_network_before_the_adversarial_training_and_ours_adversarial_the_one_after(
    two_weights: Path,
) -> None:
    methods = [find_method(name, two_weights) for name in (OURS, OURS_ADVERSARIAL)]
    assert methods[0].fingerprint != methods[1].fingerprint
    for perception, method in enumerate(methods):
        network = Denoiser(two_weights, device="cpu", perception=perception).network
        with torch.inference_mode():
            expected = network(torch.as_tensor(VALUES)[None, None])[0, 0].numpy()
        ((_, output),) = method.outputs(exposure())
        np.testing.assert_allclose(output, expected, atol=2e-5)


def test_without_fidelity_weights_ours_adversarial_is_absent_with_a_note(tmp_path: Path) -> None:
    method = find_method(OURS_ADVERSARIAL, tmp_path / "model.pt")
    assert (method.name, method.absent) == (OURS_ADVERSARIAL, "model_fidelity.pt is missing")


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the weights of learned methods, which none remembers."""
    find_method.cache_clear()
    monkeypatch.setattr(learned, "WEIGHTS", tmp_path)
    yield tmp_path
    find_method.cache_clear()


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_method_is_the_network_of_its_preset(name: str, fresh: Path) -> None:
    torch.manual_seed(3)
    generator, refinement = {"dncnn": (DnCNN, NoRefinement), "dcgan": (PlainGenerator, PlainRefinement)}[name]
    network = TwoStageDenoiser(generator(), refinement())
    torch.save(network.state_dict(), fresh / f"{name}.pt")
    method = find_method(name)
    assert not method.absent
    with torch.inference_mode():
        expected = network.eval()(torch.as_tensor(VALUES)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(output_of(name, exposure()), expected, atol=2e-5)


@pytest.mark.parametrize("name", LEARNED)
def test_without_its_weights_a_learned_method_is_absent_with_a_note(name: str, fresh: Path) -> None:
    method = find_method(name)
    assert (method.name, method.absent) == (name, f"{name}.pt is missing: train it, see bundle/docs/ablation.md")


def test_the_noisy_image_is_a_method() -> None:
    np.testing.assert_array_equal(output_of(NOISY, exposure()), VALUES)


def test_an_onnx_file_is_a_method(tmp_path: Path) -> None:
    np.testing.assert_allclose(output_of(str(halved(tmp_path / "half.onnx")), exposure()), VALUES / 2)


def test_a_torchscript_file_is_a_method_and_gets_sizes_it_can_halve(tmp_path: Path) -> None:
    np.testing.assert_allclose(output_of(str(doubled(tmp_path / "double.ts")), exposure()), 2 * VALUES)


def test_a_file_changes_the_fingerprint(tmp_path: Path) -> None:
    first = find_method(str(halved(tmp_path / "half.onnx"))).fingerprint
    assert first != find_method(str(doubled(tmp_path / "double.ts"))).fingerprint


@pytest.mark.parametrize("changed", ["networks/refinement.py", "transforms/intensity.py", "inference.py"])
def test_a_change_of_the_code_that_denoises_changes_the_fingerprint(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fingerprint() -> str:
        find_method.cache_clear()
        methods._pipelines_code.cache_clear()
        return find_method(OURS).fingerprint

    shutil.copytree(methods.PACKAGE, tmp_path / "package")
    with monkeypatch.context() as patch:
        patch.setattr(methods, "PACKAGE", tmp_path / "package")
        before = fingerprint()
        with (tmp_path / "package" / changed).open("a") as stream:
            stream.write("# changed")
        assert fingerprint() != before
    assert fingerprint() == before


def test_without_onnxruntime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "monai-gan-denoise[onnx]" in find_method(str(halved(tmp_path / "absent.onnx"))).absent


@pytest.mark.parametrize("name", ["broken.onnx", "broken.ts"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"methods must be networks in ONNX or TorchScript, got .*broken"):
        find_method(str(tmp_path / name))


def test_no_names_are_all_methods_and_the_noisy_image_comes_first() -> None:
    usual = resolve_names([])
    assert usual == [NOISY, OURS, *LEARNED, *PEERS][: len(usual)]
    assert PEERS.keys() - usual == {"bm4d"}
    assert resolve_names(["median", "median"]) == [NOISY, "median"]


@pytest.mark.parametrize("name", ["mean", "absent.onnx", "absent.ts"])
def test_an_unknown_method_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"methods must be among noisy, ours, ours-adversarial, dncnn, dcgan, median, .*got '{name}'"
    ):
        resolve_names([name])
