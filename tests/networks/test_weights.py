"""Weights: plain state dicts only."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from monai_gan_denoise.networks import WeightsError, fidelity_file, interpolate_weights, load_weights, weights_hash


def network(features: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, features, 3), nn.BatchNorm2d(features))


def test_a_state_dict_is_loaded_and_the_network_is_set_to_evaluate(tmp_path: Path) -> None:
    source = network()
    nn.init.normal_(source[0].weight)
    torch.save(source.state_dict(), tmp_path / "weights.pt")
    target = network().train()
    assert load_weights(target, tmp_path / "weights.pt") is target
    assert not target.training
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(WeightsError, match=r"weights must be a file, got .*\. Check the path\."):
            load_weights(network(), path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x00" * 100, b"PK\x03\x04 cut", b"\x80\x02", b"\x1f\x8b\x08"])
def test_any_other_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights must be a plain state dict, got another .*weights\.pt"):
        load_weights(network(), tmp_path / "weights.pt")


def test_a_truncated_state_dict_and_another_archive_are_refused(tmp_path: Path) -> None:
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "no weights")
    for name in ("cut.pt", "other.zip"):
        with pytest.raises(WeightsError, match="weights must be a plain state dict"):
            load_weights(network(), tmp_path / name)


@pytest.mark.parametrize(
    "content", [[torch.zeros(1)], {"state_dict": {"a": torch.zeros(1)}}, {"epoch": 3}, 5, {0: torch.zeros(1)}]
)
def test_what_is_no_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pt")
    kind = type(content).__name__
    with pytest.raises(WeightsError, match=rf"weights must be a plain state dict, got {kind} in"):
        load_weights(network(), tmp_path / "weights.pt")


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="weights must be a plain state dict, got another kind of file"):
        load_weights(network(), tmp_path / "weights.pt")


@pytest.mark.parametrize(
    ("state", "odd"),
    [
        (network(4).state_dict(), "0.bias"),
        ({**network().state_dict(), "more": torch.zeros(1)}, "more"),
        ({}, "0.bias"),
    ],
)
def test_another_architecture_is_refused_and_the_network_stays_as_it_was(
    state: dict[str, torch.Tensor], odd: str, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "weights.pt")
    target = network()
    before = weights_hash(target)
    with pytest.raises(WeightsError, match=rf"weights must fit Sequential, got another architecture \(see {odd}\)"):
        load_weights(target, tmp_path / "weights.pt")
    assert weights_hash(target) == before


def test_the_hash_is_that_of_names_and_bytes_in_order_of_the_names() -> None:
    target = nn.Linear(2, 1)
    with torch.no_grad():
        target.weight.copy_(torch.tensor([[1.0, 2.0]]))
        target.bias.copy_(torch.tensor([3.0]))
    raw = b"bias" + bytes.fromhex("00004040") + b"weight" + bytes.fromhex("0000803f00000040")
    assert weights_hash(target) == hashlib.sha256(raw).hexdigest()[:12]


def test_any_changed_weight_changes_the_hash() -> None:
    target = network()
    before = weights_hash(target)
    with torch.no_grad():
        target[0].weight[0, 0, 0, 0] += 1e-6
    assert weights_hash(target) != before


def pair(folder: Path) -> tuple[nn.Conv2d, nn.Conv2d]:
    """Fidelity and adversarial weights of a linear network, saved as two files."""
    torch.manual_seed(0)
    fidelity, adversarial = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)
    torch.save(fidelity.state_dict(), folder / "model_fidelity.pt")
    torch.save(adversarial.state_dict(), folder / "model.pt")
    return fidelity, adversarial


@pytest.mark.parametrize("perception", [0.0, 0.25, 0.5, 1.0])
def test_a_linear_network_between_two_gives_the_mean_of_their_outputs(tmp_path: Path, perception: float) -> None:
    fidelity, adversarial = pair(tmp_path)
    between = load_weights(nn.Conv2d(1, 2, 3), tmp_path / "model.pt", perception)
    image = torch.rand(1, 1, 8, 9)
    with torch.no_grad():
        expected = (1 - perception) * fidelity(image) + perception * adversarial(image)
        torch.testing.assert_close(between(image), expected)


def test_the_ends_are_the_two_files_bit_by_bit() -> None:
    fidelity, adversarial = {"a": torch.tensor([-0.0, 1.0])}, {"a": torch.tensor([2.0, -0.0])}
    for perception, end in ((0, fidelity), (1, adversarial)):
        (value,) = interpolate_weights(fidelity, adversarial, perception).values()
        assert value.numpy().tobytes() == end["a"].numpy().tobytes()


def test_interpolation_leaves_both_state_dicts_as_they_were() -> None:
    fidelity, adversarial = {"a": torch.tensor([1.0])}, {"a": torch.tensor([3.0])}
    (between,) = interpolate_weights(fidelity, adversarial, 0.75).values()
    np.testing.assert_array_equal([between, fidelity["a"], adversarial["a"]], [[2.5], [1], [3]])


def test_a_counter_must_be_the_same_in_both_and_is_kept() -> None:
    first, second = network().state_dict(), network().state_dict()
    counted = interpolate_weights(first, second, 0.5)["1.num_batches_tracked"]
    assert counted.dtype == torch.int64
    second["1.num_batches_tracked"] += 1
    with pytest.raises(WeightsError, match=r"no floating numbers must be equal .*\(see 1.num_batches_tracked\)"):
        interpolate_weights(first, second, 0.5)


@pytest.mark.parametrize("other", [{}, {"b": torch.zeros(1)}, {"a": torch.zeros(2)}])
def test_weights_of_two_architectures_are_not_interpolated(other: dict[str, torch.Tensor]) -> None:
    with pytest.raises(WeightsError, match=r"must have the same names and shapes, got others \(see a\)"):
        interpolate_weights({"a": torch.zeros(1)}, other, 0.5)


@pytest.mark.parametrize("perception", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_perception_outside_0_to_1_is_refused(tmp_path: Path, perception: float) -> None:
    reason = rf"perception must be in \[0, 1\], got {perception}\. Pass 0 for fidelity or 1"
    with pytest.raises(ValueError, match=reason):
        interpolate_weights({}, {}, perception)
    with pytest.raises(ValueError, match=reason):
        load_weights(network(), tmp_path / "absent.pt", perception)


def test_fidelity_weights_lie_beside_their_weights() -> None:
    assert fidelity_file("runs/mine.v2.pt") == Path("runs/mine.v2_fidelity.pt")
    assert fidelity_file("weights") == Path("weights_fidelity")


def test_without_fidelity_weights_perception_is_1(tmp_path: Path) -> None:
    _, adversarial = pair(tmp_path)
    (tmp_path / "model_fidelity.pt").unlink()
    alone = load_weights(nn.Conv2d(1, 2, 3), tmp_path / "model.pt", 1)
    assert weights_hash(alone) == weights_hash(adversarial)
    reason = r"perception must be 1 without the fidelity weights .*model_fidelity\.pt, got 0\.5\. Put them there"
    with pytest.raises(WeightsError, match=reason):
        load_weights(nn.Conv2d(1, 2, 3), tmp_path / "model.pt", 0.5)


def test_fidelity_weights_of_another_architecture_are_refused_by_their_name(tmp_path: Path) -> None:
    pair(tmp_path)
    torch.save(network().state_dict(), tmp_path / "model_fidelity.pt")
    with pytest.raises(WeightsError, match=r"weights must fit Conv2d, got another .*model_fidelity\.pt"):
        load_weights(nn.Conv2d(1, 2, 3), tmp_path / "model.pt", 0.5)
