"""Choose what computes the network, and see that it computes the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from monai_gan_denoise.backends.graphs import DENOISING, Graph
from monai_gan_denoise.backends.onnx_file import cached_file, export_onnx
from monai_gan_denoise.backends.runtime import Runtime, RuntimeNetwork, onnx_runtime, openvino_runtime

__all__ = ["AGREEMENT", "BACKENDS", "check_backend", "place"]

logger = logging.getLogger(__name__)

AGREEMENT = 1e-3  # of the range: largest difference from torch: 3 HU, a quarter step of 8 bits
CHECKED = (1, 1, 49, 64)  # shape of the image that is compared; odd, so that padding counts


@dataclass(frozen=True)
class Library:
    """A library that runs ONNX files.

    Attributes:
        open: makes a runtime of a file and a number of threads.
        needs: packages to be imported; those that write the file among them.
    """

    open: Callable[[Path, int], Runtime]
    needs: tuple[str, ...]


LIBRARIES = {
    "onnx": Library(onnx_runtime, ("onnx", "onnxscript", "onnxruntime")),
    "openvino": Library(openvino_runtime, ("onnx", "onnxscript", "openvino")),
}
BACKENDS = ("torch", *LIBRARIES)


def place(network: nn.Module, backend: str, device: torch.device | str) -> nn.Module:
    """Put a network where it is computed.

    Any backend but torch needs an ONNX file, which the first use of these weights writes into the user's cache, and is
    compared with torch on one image before it is used.

    Args:
        network: with its weights, on the CPU.
        backend: one of ``BACKENDS``.
        device: of torch; any other backend runs on the CPU alone.

    Returns:
        The network itself, moved, or one that calls the backend.

    Raises:
        ValueError: if ``backend`` is none of these, its library is missing, ``device`` is not for it, or it does not
            compute what torch does.
    """
    check_backend(backend, device)
    if backend == "torch":
        return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
    opened = partial(_checked, network, backend, LIBRARIES[backend], torch.get_num_threads())
    return RuntimeNetwork(network, opened(DENOISING), opened).eval()


def check_backend(backend: str, device: torch.device | str) -> None:
    """Check that a backend is there and can use a device; nothing is opened.

    Raises:
        ValueError: if ``backend`` is none of ``BACKENDS``, its library is missing, or ``device`` is not for it.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}. Choose one.")
    if backend == "torch":
        return
    if torch.device(device).type != "cpu":
        raise ValueError(f"device must be cpu for the backend {backend}, got {str(device)!r}. Pass --device cpu.")
    if missing := [name for name in LIBRARIES[backend].needs if find_spec(name) is None]:
        raise ValueError(
            f"backend must be one whose libraries are installed, got {backend!r} without {', '.join(missing)}. "
            f"Run pip install 'monai-gan-denoise[{backend}]' or pass --backend torch."
        )


def _checked(network: nn.Module, backend: str, library: Library, threads: int, graph: Graph) -> Runtime:
    """Open a graph's file, written anew if it is absent, damaged or of another network, and compare."""
    file = cached_file(network, graph)
    if file.is_file():
        try:
            found = library.open(file, threads)
            if _difference(network, found, graph) <= AGREEMENT:
                return found
        except Exception:  # whatever a library raises on a damaged file, which is replaced
            logger.debug("%s could not be opened", file, exc_info=True)
    logger.info("Writing the network for %s to %s, once.", backend, file)
    export_onnx(network, file, graph)
    opened = library.open(file, threads)
    difference = _difference(network, opened, graph)
    if not difference <= AGREEMENT:  # so that NaN is refused too
        raise ValueError(
            f"backend must agree with torch to {AGREEMENT:g} of the range, got {difference:.2g} from {backend}. "
            "Pass --backend torch and report this."
        )
    return opened


@torch.inference_mode()
def _difference(network: nn.Module, runtime: Runtime, graph: Graph) -> float:
    rng = torch.Generator().manual_seed(0)
    noisy = torch.rand(CHECKED, generator=rng)
    images = [noisy, *(0.1 * torch.rand(CHECKED, generator=rng) for _ in graph.inputs[1:])]
    expected: torch.Tensor = graph.of(network)(*images)
    return float((expected - torch.from_numpy(runtime(*(image.numpy() for image in images)))).abs().max())
