"""What an ONNX file holds of a network: the denoising, the noise-level map, or the denoising at a level that is told.

A file has one graph, since a runtime computes all of what it opens: the first is what runs without further wishes, and
the two others are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["DENOISING", "LEVEL", "TOLD", "Graph"]


class _Level(nn.Module):
    """A network's estimate of the noise level, as a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate."""
        level: Tensor = self.network.noise_level(noisy)  # type: ignore[operator]
        return level


@dataclass(frozen=True)
class Graph:
    """One way to call a network.

    Attributes:
        name: what the file's name says of it.
        inputs: names of the inputs, all ``(B, 1, H, W)``.
        output: name of the output, of the same shape.
        of: gives the module that is called so.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    of: Callable[[nn.Module], nn.Module]


DENOISING = Graph("", ("image",), "pred", lambda network: network)  # names as in the bundle's metadata
LEVEL = Graph("level", ("image",), "level", lambda network: _Level(network).eval())
TOLD = Graph("told", ("image", "level"), "pred", lambda network: network)
