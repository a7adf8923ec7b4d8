"""A network as an ONNX file, for any batch, height and width; made once, then found in the user's cache."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch import nn

from monai_gan_denoise import __version__
from monai_gan_denoise.backends.graphs import DENOISING, Graph
from monai_gan_denoise.networks import weights_hash

__all__ = ["cached_file", "export_onnx"]

# Batch, height and width of the example, whatever they are, stay free; a size of 1 would be taken for fixed.
EXAMPLE = (2, 1, 64, 80)


def export_onnx(network: nn.Module, path: Path, graph: Graph = DENOISING) -> Path:
    """Write a network with its weights, whole or not at all; other processes may do the same at the same time.

    Args:
        network: from ``(B, 1, H, W)`` to the same shape, on the CPU, in evaluation mode.
        path: of the file; its folder is made if absent.
        graph: what of the network to write.

    Returns:
        ``path``.

    Raises:
        OSError: if the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    free = torch.export.Dim.DYNAMIC
    # A name of this process's own: two that start together would meet in one partial file beside the target.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder, _quiet():
        partial = Path(folder) / path.name
        torch.onnx.export(
            graph.of(network),
            tuple(torch.zeros(EXAMPLE) for _ in graph.inputs),
            partial,
            input_names=list(graph.inputs),
            output_names=[graph.output],
            dynamic_shapes=tuple({0: free, 2: free, 3: free} for _ in graph.inputs),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        os.replace(partial, path)
    return path


def cached_file(network: nn.Module, graph: Graph = DENOISING) -> Path:
    """Name the file for a network, which may not exist yet: by its class, its weights and the versions used."""
    parts = (type(network).__name__, weights_hash(network), graph.name, __version__, f"torch{torch.__version__}")
    return _folder() / f"{'-'.join(filter(None, parts))}.onnx"


@cache
def _folder() -> Path:
    """The user's cache, else a temporary folder, which goes when the program ends."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "monai_gan_denoise"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # which says more than os.access does
            return folder
    except (OSError, RuntimeError):  # no right to write there; no home
        scratch = tempfile.mkdtemp(prefix="monai_gan_denoise_onnx_")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        return Path(scratch)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's comments on itself from users: what it deprecates, optimizes, or does not find installed."""
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnx_ir", "onnxscript")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
