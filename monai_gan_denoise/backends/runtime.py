"""Libraries that run an ONNX file on the CPU, behind the face of a torch network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from monai_gan_denoise.backends.onnx_file import INPUT

__all__ = ["RuntimeNetwork", "onnx_runtime", "openvino_runtime"]

Batch = npt.NDArray[np.float32]
Runtime = Callable[[Batch], Batch]


class RuntimeNetwork(nn.Module):
    """A network that a runtime computes in torch's place.

    Args:
        network: the network, whose weights go on saying which one this is.
        runtime: computes it, from ``(B, 1, H, W)`` to the same shape.
    """

    def __init__(self, network: nn.Module, runtime: Runtime) -> None:
        super().__init__()
        self.network = network
        self.runtime = runtime

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise ``(B, 1, H, W)`` on the CPU; no gradients."""
        return torch.from_numpy(self.runtime(np.ascontiguousarray(noisy.detach().numpy())))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Give the network's own, under its own names, so that hashes do not tell where it ran."""
        return self.network.state_dict(*args, **kwargs)


def onnx_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with ONNX Runtime.

    Args:
        path: an ONNX file with one input and one output.
        threads: that it may use.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(noisy: Batch) -> Batch:
        (output,) = session.run(None, {INPUT: noisy})
        return np.asarray(output)

    return run


def openvino_runtime(path: Path, threads: int) -> Runtime:
    """Open a file with OpenVINO, in float32 also where the CPU has bfloat16.

    Args:
        path: an ONNX file with one input and one output.
        threads: that it may use.
    """
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    return lambda noisy: np.array(compiled(noisy)[0])  # a copy: the library's buffer is the next call's too
