"""Example images of a validation, for the eye: noisy, denoised and clean side by side in TensorBoard."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys
from torch import Tensor

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["ExampleImages", "has_tensorboard"]

logger = logging.getLogger(__name__)


def has_tensorboard() -> bool:
    """Tell whether curves and example images can be written, and warn if they cannot."""
    if find_spec("tensorboard") is not None:
        return True
    logger.warning("No curves, no example images: tensorboard is missing. Run pip install 'monai-gan-denoise[train]'.")
    return False


class ExampleImages:
    """Write the first images of the last batch after every validation.

    MONAI's TensorBoardImageHandler takes its images from the batch, where the noise has not been simulated yet.

    Args:
        log_dir: where TensorBoard looks.
        count: images.
    """

    def __init__(self, log_dir: str | Path, count: int = 4) -> None:
        self.log_dir, self.count = log_dir, count
        self.writer: SummaryWriter | None = None

    def attach(self, engine: Engine) -> None:
        """Write when an epoch of the evaluator ends."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now."""
        from torch.utils.tensorboard import SummaryWriter

        if self.writer is None:
            self.writer = SummaryWriter(log_dir=str(self.log_dir))
        output: dict[str, Tensor] = engine.state.output  # type: ignore[assignment]
        columns = [output[key][: self.count, :1] for key in (CommonKeys.IMAGE, CommonKeys.PRED, CommonKeys.LABEL)]
        rows = torch.cat([column.detach().float().cpu() for column in columns], -1).clamp(0, 1)
        self.writer.add_images("noisy, denoised, clean", rows, engine.state.epoch)
        self.writer.flush()
