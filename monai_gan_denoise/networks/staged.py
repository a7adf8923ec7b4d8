"""A network whose forward pass shows its steps: what training calls, alone or through DistributedDataParallel."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

__all__ = ["Staged"]


class Staged(nn.Module):
    """Call a network's ``stages`` by ``forward``, the only method that DistributedDataParallel listens to.

    Args:
        network: a ``GanDenoiser`` or a ``Discriminator``; its weights are shared, not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *images: Tensor) -> Any:
        """Run ``network.stages`` on the images."""
        return self.network.stages(*images)  # type: ignore[operator]
