"""The noise level that the network is told: its own estimate, a multiple of it, or what the user knows better.

Users speak in the image's units, HU or gray levels; the network in shares of the modality's range. The width of that
range is what ``NormalizeModalityd`` has divided by and traced.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_gan_denoise.scans.errors import InputError

__all__ = ["NoiseLevel", "Setting", "check_noise_level", "range_width", "warn_of_far_level"]

logger = logging.getLogger(__name__)

FAR = 4.0  # times the network's own estimate, or a part of it, from which on a level that is told is worth a warning

Setting: TypeAlias = "NoiseLevel | str | float | npt.NDArray[Any] | Tensor"


@dataclass(frozen=True, eq=False)
class NoiseLevel:
    """What the network is told of the noise; see ``of``.

    Attributes:
        factor: of the network's own estimate, if nothing else is told.
        told: the standard deviation of the noise in the image's units: a number, or a map of the image's shape.
    """

    factor: float = 1.0
    told: float | Tensor | None = None

    @classmethod
    def of(cls, setting: Setting) -> NoiseLevel:
        """Read a setting.

        Args:
            setting: "auto" for the network's own estimate; a factor of it, such as "1.5x"; the standard deviation of
                the noise in the image's units (HU, gray levels), as a number, text or a map of the image's shape.

        Raises:
            ValueError: if it is none of these: negative, zero, not finite, or with a unit.

        Example:
            >>> str(NoiseLevel.of("1.50x")), str(NoiseLevel.of("25")), NoiseLevel.of("auto").is_auto
            ('1.5x', '25', True)
        """
        if isinstance(setting, NoiseLevel):
            return setting
        if isinstance(setting, (np.ndarray, Tensor)) and setting.ndim:
            return cls(told=_map_of(setting))
        text = str(setting.item() if isinstance(setting, (np.ndarray, Tensor)) else setting).strip().lower()
        if text == "auto":
            return cls()
        number = _positive(text.removesuffix("x"))
        if number is None or isinstance(setting, bool):
            raise ValueError(
                "noise_level must be auto, a positive number in the image's units such as 25, or a factor such as "
                f"1.5x, got {setting!r}. Pass one of them."
            )
        return cls(factor=number) if text.endswith("x") else cls(told=number)

    @property
    def is_auto(self) -> bool:
        """Whether the network is left to its own estimate."""
        return self.told is None and self.factor == 1

    def __str__(self) -> str:
        """Write it as ``of`` reads it; a map as a hash of its values."""
        if isinstance(self.told, Tensor):
            return f"map {hashlib.sha256(self.told.contiguous().numpy().tobytes()).hexdigest()[:12]}"
        if self.told is not None:
            return f"{self.told:.12g}"
        return "auto" if self.is_auto else f"{self.factor:.12g}x"

    def map_for(self, image: Tensor, width: float, name: str) -> Tensor | None:
        """Give the map that is told, in network units.

        Args:
            image: the image, any shape.
            width: of the modality's range, in the image's units.
            name: of the image, for the error.

        Returns:
            Same shape, without memory of its own where it is one number; None if the network's own estimate counts.

        Raises:
            InputError: if a map was told and the image has another shape.
        """
        if self.told is None:
            return None
        if not isinstance(self.told, Tensor):
            return torch.full((), self.told / width).expand(image.shape)
        if self.told.shape != image.shape:
            raise InputError(
                f"noise_level must be a map of the image's shape {tuple(image.shape)}, got "
                f"{tuple(self.told.shape)} in {name}. Pass one number a pixel, or one for all."
            )
        return self.told / width


def check_noise_level(network: Callable[..., Any], level: Setting, noise_map: bool = False) -> None:
    """Check that a network can do what is asked of it.

    Args:
        network: any callable; one that can be told a level has ``noise_level``, as ``networks.GanDenoiser`` does.
        level: what it is told.
        noise_map: whether its noise-level map is wanted.

    Raises:
        ValueError: if it knows no noise level and anything but auto is asked for.
    """
    level = NoiseLevel.of(level)
    if (level.is_auto and not noise_map) or callable(getattr(network, "noise_level", None)):
        return
    asked = f"got {level}" if not level.is_auto else "got auto with a noise map"
    raise ValueError(
        f"noise_level must be auto for a network without a noise-level map such as {_name(network)}, {asked}. "
        "Leave it and noise_map out."
    )


def range_width(image: Tensor) -> float:
    """Find the width of the range that became 1 in network units, in the image's units; 1 if nothing was traced."""
    traced = image.applied_operations if isinstance(image, MetaTensor) else []
    scales = [step["extra_info"]["scale"] for step in traced if "scale" in (step.get("extra_info") or {})]
    return float(math.prod(scales))


def warn_of_far_level(level: NoiseLevel, estimate: float, name: str) -> None:
    """Log a line if a level that was told is over four times the network's own estimate, or under a quarter of it.

    Args:
        level: what was told.
        estimate: the network's own, the median over the image, in the image's units.
        name: of the image.
    """
    if level.told is None:
        return
    told = float(level.told.median()) if isinstance(level.told, Tensor) else level.told
    if not estimate / FAR <= told <= estimate * FAR:
        logger.warning(
            "%s: noise level %.4g is far from the network's own estimate, %.4g at the median pixel; it is used.",
            name,
            told,
            estimate,
        )


def _positive(text: str) -> float | None:
    """Read a positive finite number; None if it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < math.inf and "_" not in text else None


def _map_of(values: npt.NDArray[Any] | Tensor) -> Tensor:
    kept = values.detach().cpu() if isinstance(values, Tensor) else torch.as_tensor(np.ascontiguousarray(values))
    told = (kept.as_tensor() if isinstance(kept, MetaTensor) else kept).float()
    unusable = told.numel() - int((told.isfinite() & (told >= 0)).sum())
    if unusable:
        raise ValueError(
            f"noise_level must be a map of finite numbers from 0 up, got {unusable} others. Replace them first."
        )
    return told


def _name(network: Callable[..., Any]) -> str:
    return getattr(network, "__name__", type(network).__name__)
