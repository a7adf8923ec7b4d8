"""Denoising as a task of MONAI Label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.utils.others.generic import device_list, name_to_device

from monai_gan_denoise.integrations.monai_label.service import DenoisingService

__all__ = ["DenoisingTask"]


class DenoisingTask(InferTask):  # type: ignore[misc]  # MONAI Label has no types that mypy would find
    """Image in, image out: neither a segmentation nor an annotation, so clients are told "others".

    Args:
        service: does it.
    """

    def __init__(self, service: DenoisingService) -> None:
        super().__init__(
            type=InferType.OTHERS,
            labels=[],
            dimension=2,  # slice by slice
            description="Blind denoising of CT, MR, X-ray, ultrasound and OCT. Research use only.",
        )
        self.service = service

    def config(self) -> dict[str, Any]:
        """Tell clients what can be chosen; of a list the first is the default."""
        return {**self.service.options(), "device": device_list()}

    def is_valid(self) -> bool:
        """Show the task even without weights: who asks for it learns what is missing."""
        return True

    def __call__(self, request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Denoise; see ``DenoisingService.denoise``."""
        device = request.get("device") or device_list()
        known = {**request, "device": name_to_device(device)}
        result, done = self.service.denoise(Path(request["image"]), known)
        return str(result), done
