"""What computes the network: torch, or ONNX Runtime or OpenVINO, which are faster on CPUs."""

from monai_gan_denoise.backends.graphs import DENOISING, LEVEL, TOLD, Graph
from monai_gan_denoise.backends.onnx_file import cached_file, export_onnx
from monai_gan_denoise.backends.placement import BACKENDS, check_backend, place
from monai_gan_denoise.backends.runtime import RuntimeNetwork, onnx_runtime, openvino_runtime

__all__ = [
    "BACKENDS",
    "DENOISING",
    "LEVEL",
    "TOLD",
    "Graph",
    "RuntimeNetwork",
    "cached_file",
    "check_backend",
    "export_onnx",
    "onnx_runtime",
    "openvino_runtime",
    "place",
]
