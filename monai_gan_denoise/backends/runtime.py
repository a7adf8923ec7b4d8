"""Libraries that run an ONNX file on the CPU, behind the face of a torch network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from monai_gan_denoise.backends.graphs import LEVEL, TOLD, Graph

__all__ = ["RuntimeNetwork", "onnx_runtime", "openvino_runtime"]

Batch = npt.NDArray[np.float32]
Runtime = Callable[..., Batch]  # of one batch or two


class RuntimeNetwork(nn.Module):
    """A network that a runtime computes in torch's place.

    Args:
        network: the network, whose weights go on saying which one this is.
        runtime: computes it, from ``(B, 1, H, W)`` to the same shape.
        open_graph: opens what else a network can be asked for, when it is asked for; None if that is nothing.

    Attributes:
        noise_level: as that of a ``networks.GanDenoiser``, if the network has one.
        stride: the network's own, for whoever gives it windows of an image; None if it says none.
        reach: likewise.
    """

    def __init__(
        self, network: nn.Module, runtime: Runtime, open_graph: Callable[[Graph], Runtime] | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.runtime = runtime
        self.open_graph = open_graph
        self._opened: dict[Graph, Runtime] = {}
        self._opening = Lock()
        if open_graph is not None and hasattr(network, "noise_level"):
            self.noise_level = self._noise_level
        self.stride, self.reach = (getattr(network, name, None) for name in ("stride", "reach"))

    def forward(self, noisy: Tensor, level: Tensor | None = None) -> Tensor:
        """Denoise ``(B, 1, H, W)`` on the CPU, at the noise level that is told, if one is; no gradients."""
        return _run(self.runtime, noisy) if level is None else _run(self._graph(TOLD), noisy, level)

    def _noise_level(self, noisy: Tensor) -> Tensor:
        return _run(self._graph(LEVEL), noisy)

    def _graph(self, graph: Graph) -> Runtime:
        with self._opening:  # scans may be denoised in several threads
            if graph not in self._opened:
                if self.open_graph is None:
                    raise ValueError("network must be one with further graphs, got one without. Leave the level out.")
                with torch.inference_mode(False):  # in which nothing can be exported
                    self._opened[graph] = self.open_graph(graph)
            return self._opened[graph]

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Give the network's own, under its own names, so that hashes do not tell where it ran."""
        return self.network.state_dict(*args, **kwargs)


def _run(runtime: Runtime, *images: Tensor) -> Tensor:
    return torch.from_numpy(runtime(*(np.ascontiguousarray(image.detach().numpy()) for image in images)))


def onnx_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with ONNX Runtime, and without its telemetry.

    Since 1.29 the library writes an identifier of the machine to the user's cache and sends usage to its makers unless
    this variable is set before it is imported (microsoft/onnxruntime#27379); the function is for Windows.

    Args:
        path: an ONNX file; its first output counts.
        threads: that it may use.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    return lambda *images: np.asarray(session.run(None, dict(zip(names, images, strict=True)))[0])


def openvino_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with OpenVINO, in float32 also where the CPU has bfloat16.

    Args:
        path: an ONNX file with one output.
        threads: that it may use.
    """
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    # A request of each call's own: one that is shared is refused while another thread waits for it.
    return lambda *images: np.array(compiled.infer_new_request(images)[0])
