"""Libraries that run an ONNX file on the CPU, behind the face of a torch network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

__all__ = ["RuntimeNetwork", "onnx_runtime", "openvino_runtime"]

Batch = npt.NDArray[np.float32]
Runtime = Callable[[Batch], Batch]


class RuntimeNetwork(nn.Module):
    """A network that a runtime computes in torch's place.

    Args:
        network: the network, whose weights go on saying which one this is.
        runtime: computes it, from ``(B, 1, H, W)`` to the same shape.

    Attributes:
        stride: the network's own, for whoever gives it windows of an image; None if it says none.
        reach: likewise.
    """

    def __init__(self, network: nn.Module, runtime: Runtime) -> None:
        super().__init__()
        self.network = network
        self.runtime = runtime
        self.stride, self.reach = (getattr(network, name, None) for name in ("stride", "reach"))

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise ``(B, 1, H, W)`` on the CPU; no gradients."""
        return torch.from_numpy(self.runtime(np.ascontiguousarray(noisy.detach().numpy())))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Give the network's own, under its own names, so that hashes do not tell where it ran."""
        return self.network.state_dict(*args, **kwargs)


def onnx_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with ONNX Runtime, and without its telemetry.

    Since 1.29 the library writes an identifier of the machine to the user's cache and sends usage to its makers unless
    this variable is set before it is imported (microsoft/onnxruntime#27379); the function is for Windows.

    Args:
        path: an ONNX file; its first input and its first output count.
        threads: that it may use.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda noisy: np.asarray(session.run(None, {name: noisy})[0])


def openvino_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with OpenVINO, in float32 also where the CPU has bfloat16.

    Args:
        path: an ONNX file with one input and one output.
        threads: that it may use.
    """
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    # A request of each call's own: one that is shared is refused while another thread waits for it.
    return lambda noisy: np.array(compiled.infer_new_request(noisy)[0])
