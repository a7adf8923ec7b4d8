"""Weights: a plain state dict, checked before a single image is touched."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

__all__ = ["WeightsError", "load_weights", "weights_hash"]

Network = TypeVar("Network", bound=nn.Module)


class WeightsError(ValueError):
    """A weights file that cannot be used; the message names the file, the reason and the cure."""


def load_weights(network: Network, path: str | Path) -> Network:
    """Load a plain state dict, without running any code that the file may hold.

    Args:
        network: the network; its parameters are overwritten.
        path: file with the state dict.

    Returns:
        ``network``, in evaluation mode.

    Raises:
        WeightsError: if the file is missing, is not a plain state dict, or belongs to another architecture.
    """
    path = Path(path)  # which drops a leading ./ from the messages below
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
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    )
    if not plain:
        raise WeightsError(
            f"weights must be a plain state dict, got {type(state).__name__} in {path}. Save network.state_dict()."
        )
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if expected != found:
        odd = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise WeightsError(
            f"weights must fit {type(network).__name__}, got another architecture (see {odd}) in {path}. "
            "Pass weights that this version trained."
        )
    network.load_state_dict(state)
    return network.eval()


def weights_hash(network: nn.Module) -> str:
    """Hash the values of all weights: the same network gives the same 12 digits, whatever file it came from."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
