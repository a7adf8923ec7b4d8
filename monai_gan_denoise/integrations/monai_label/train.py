"""Fine-tuning as a task of MONAI Label: the final labels of the datastore are the clean images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monailabel.interfaces.tasks.train import TrainTask

from monai_gan_denoise.integrations.monai_label.fine_tuning import FineTuning

__all__ = ["TrainingTask"]


class TrainingTask(TrainTask):  # type: ignore[misc]  # MONAI Label has no types that mypy would find
    """Fine-tuning, which MONAI Label starts in a process of its own.

    Args:
        fine_tuning: does it.
    """

    def __init__(self, fine_tuning: FineTuning) -> None:
        super().__init__("Fine-tuning on cleaner images of your own: the final labels. Research use only.")
        self.fine_tuning = fine_tuning

    def config(self) -> dict[str, Any]:
        """Tell clients what can be chosen; of a list the first is the default."""
        return self.fine_tuning.options()

    def __call__(self, request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
        """Train; see ``FineTuning.run``."""
        return {"weights": str(self.fine_tuning.run(request, datastore.datalist()))}
