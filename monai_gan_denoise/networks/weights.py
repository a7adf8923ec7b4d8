"""Weights: plain state dicts, checked before a single image is touched, and the dial between two of them.

Training has two stages, for fidelity and then adversarial, and both leave weights: ``model.pt`` holds the adversarial
ones and ``model_fidelity.pt``, beside it, those from before that stage. What lies between is one network as well, whose
weights are the mean of the two.

Reference: Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops 2018,
section 3.4, network interpolation.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = ["WeightsError", "default_perception", "fidelity_file", "interpolate_weights", "load_weights", "weights_hash"]

Network = TypeVar("Network", bound=nn.Module)


class WeightsError(ValueError):
    """A weights file that cannot be used; the message names the file, the reason and the cure."""


def load_weights(network: Network, path: str | Path, perception: float = 1.0) -> Network:
    """Load a plain state dict, without running any code that the file may hold.

    Args:
        network: the network; its parameters are overwritten.
        path: file with the state dict.
        perception: 1 for these weights, 0 for the fidelity weights beside them, between for an interpolation.

    Returns:
        ``network``, in evaluation mode.

    Raises:
        ValueError: if ``perception`` is outside ``[0, 1]``.
        WeightsError: if a file is missing, is not a plain state dict, or belongs to another architecture. Fidelity
            weights are looked for only if ``perception`` is not 1.
    """
    _check_perception(perception)
    path = Path(path)  # which drops a leading ./ from the messages below
    state = _read_weights(network, path)
    if perception != 1:
        fidelity = fidelity_file(path)
        if not fidelity.is_file():
            raise WeightsError(
                f"perception must be 1 without the fidelity weights {fidelity}, got {perception:g}. "
                "Put them there or leave perception at 1."
            )
        state = interpolate_weights(_read_weights(network, fidelity), state, perception)
    network.load_state_dict(state)
    return network.eval()


def default_perception(path: str | Path) -> float:
    """Choose the perception for a file of weights: 0 where fidelity weights are beside it, else 1."""
    return 0.0 if fidelity_file(path).is_file() else 1.0


def fidelity_file(path: str | Path) -> Path:
    """Name the file of fidelity weights that belongs to a file of weights: ``model_fidelity.pt`` to ``model.pt``."""
    path = Path(path)
    return path.with_name(f"{path.stem}_fidelity{path.suffix}")


def interpolate_weights(
    fidelity: Mapping[str, Tensor], adversarial: Mapping[str, Tensor], perception: float
) -> dict[str, Tensor]:
    """Interpolate two state dicts, ``(1 - perception) fidelity + perception adversarial``; the ends are exact.

    Args:
        fidelity: from training for fidelity.
        adversarial: from the adversarial training that followed, with the same names and shapes.
        perception: in ``[0, 1]``.

    Returns:
        The state dict between; neither of the two is modified.

    Raises:
        ValueError: if ``perception`` is outside ``[0, 1]``.
        WeightsError: if names or shapes differ, or an entry that is no floating number, such as a counter.
    """
    _check_perception(perception)
    if (odd := _differing(fidelity, adversarial)) is not None:
        raise WeightsError(
            f"fidelity and adversarial weights must have the same names and shapes, got others (see {odd}). "
            "Pass two stages of one training."
        )
    for name, value in adversarial.items():
        if not value.is_floating_point() and not torch.equal(value, fidelity[name]):
            raise WeightsError(
                f"entries that are no floating numbers must be equal in both weights, got others (see {name}). "
                "Pass two stages of one training."
            )
    if perception in (0, 1):  # as they are: a sum would turn -0 into 0, and so change the hash
        return dict(adversarial if perception else fidelity)
    return {
        name: (1 - perception) * fidelity[name] + perception * value if value.is_floating_point() else value
        for name, value in adversarial.items()
    }


def weights_hash(network: nn.Module) -> str:
    """Hash the values of all weights: the same network gives the same 12 digits, whatever file it came from."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def _check_perception(perception: float) -> None:
    if not 0 <= perception <= 1:  # so that NaN is refused too
        raise ValueError(
            f"perception must be in [0, 1], got {perception}. Pass 0 for fidelity or 1 for adversarial weights."
        )


def _read_weights(network: nn.Module, path: Path) -> dict[str, Tensor]:
    """Read a state dict that fits a network."""
    if not path.is_file():
        raise WeightsError(f"weights must be a file, got {path}. Check the path.")
    try:
        with warnings.catch_warnings():
            # torch comments on another pickle protocol than its own; such a file is taken or refused below.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"weights must be a plain state dict, got another kind of file in {path}. Save network.state_dict()."
        ) from error
    plain = isinstance(state, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    )
    if not plain:
        raise WeightsError(
            f"weights must be a plain state dict, got {type(state).__name__} in {path}. Save network.state_dict()."
        )
    if (odd := _differing(network.state_dict(), state)) is not None:
        raise WeightsError(
            f"weights must fit {type(network).__name__}, got another architecture (see {odd}) in {path}. "
            "Pass weights that this version trained."
        )
    return dict(state)


def _differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> str | None:
    """Name the first entry that only one of two state dicts has in its shape; None if there is none."""
    one, other = ({(name, tuple(value.shape)) for name, value in state.items()} for state in (first, second))
    differing = one ^ other
    return min(differing)[0] if differing else None
