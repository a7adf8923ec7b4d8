"""Weights: plain state dicts only."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from monai_gan_denoise.networks import WeightsError, load_weights, weights_hash


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
