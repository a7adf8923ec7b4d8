"""Denoising as a step of someone else's MONAI pipeline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type

from monai_gan_denoise.inference import Denoiser, NoiseLevel
from monai_gan_denoise.scans.scan import Scan, refuse_unusable, subtract
from monai_gan_denoise.scans.slices import thickest_axis

__all__ = ["GanDenoised"]


class GanDenoised(MapTransform):
    """Denoise images in front of a segmentation, a registration or any other pipeline.

    To stand where values still are in the modality's units (CT: HU), before intensities are scaled or clipped. Type,
    shape, affine and metadata stay. It draws nothing, so that CacheDataset and PersistentDataset keep its results. The
    network is loaded at the first call, in each worker of a DataLoader anew; workers need ``device="cpu"``, or
    processes that are spawned.

    Slices are cut across the axis that ``slice_axis`` names; else the metadata, as ``monai_gan_denoise.io.ScanReader``
    fills them, as long as the affine is the one of the file; else across the axis of largest spacing, or the third.

    Args:
        keys: images, each ``(C, H, W)`` or ``(C, H, W, D)``; every channel is an image of its own, as MR contrasts are.
        modality: ct, mr, xr, us or oct, of all images; if None, the item ``modality_key``, else the metadata's
            ``modality``.
        strength: share of the denoising, in ``[0, 1]``.
        debias: "auto" or "off", as for ``Denoiser.denoise``; the bundle's default if None.
        noise_level: what the network is told of the noise: "auto" for its own estimate, a factor of it such as "1.5x",
            or the standard deviation in the images' units.
        perception: which weights, as for ``Denoiser``.
        device: where the network runs; "auto" for a GPU where there is one.
        weights: a plain state dict; the bundle's own weights if None.
        batch_size: slices that the network sees at once; the bundle's default if None.
        slice_axis: 0, 1 or 2, of volumes.
        modality_key: item that names the modality.
        allow_missing_keys: do not raise if a key is missing.

    Raises:
        ValueError: if ``strength``, ``perception``, ``debias``, ``noise_level`` or ``slice_axis`` is out of range; on a
            call, if the modality is missing or unknown or the image has another number of axes.
        InputError: on a call, if a value is NaN or infinite, or a slice is smaller than 16 pixels.
        WeightsError: on the first call, if the weights cannot be used.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modality: str | None = None,
        *,
        strength: float = 1.0,
        debias: str | None = None,
        perception: float | None = None,
        device: str = "auto",
        weights: str | Path | None = None,
        batch_size: int | None = None,
        slice_axis: int | None = None,
        modality_key: str = "modality",
        allow_missing_keys: bool = False,
        noise_level: str | float = "auto",
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        for name, value in (("strength", strength), ("perception", perception)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {value}. Pass a share.")
        if debias not in (None, "auto", "off"):
            raise ValueError(f"debias must be one of auto, off, got {debias!r}. Choose one of them.")
        if slice_axis not in (None, 0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2, got {slice_axis}. Leave it out to have it found.")
        self.modality, self.modality_key = modality, modality_key
        self.strength, self.slice_axis = strength, slice_axis
        self.debias = debias
        self.noise_level = NoiseLevel.of(noise_level)
        self.settings: dict[str, Any] = {
            "weights": weights,
            "device": device,
            "perception": perception,
            "batch_size": batch_size,
        }
        self._denoiser: Denoiser | None = None

    @property
    def denoiser(self) -> Denoiser:
        """The denoiser, loaded when it is first asked for."""
        if self._denoiser is None:
            self._denoiser = Denoiser(**self.settings)
        return self._denoiser

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_denoiser": None}  # another process loads the network itself

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Denoise the images of an item, which is not modified."""
        items = dict(data)
        for key in self.key_iterator(items):
            meta = items[key].meta if isinstance(items[key], MetaTensor) else {}
            modality = self.modality or items.get(self.modality_key) or meta.get("modality")
            if modality is None:
                raise ValueError(
                    f"modality must be one of ct, mr, xr, us, oct, got none for {key!r}. "
                    f"Pass modality, or name it in the item {self.modality_key!r}."
                )
            items[key] = self._denoise(items[key], str(modality), meta, str(key))
        return items

    def _denoise(self, image: NdarrayOrTensor, modality: str, meta: Mapping[str, Any], name: str) -> NdarrayOrTensor:
        if image.ndim not in (3, 4):
            raise ValueError(
                f"image must be (C, H, W) or (C, H, W, D), got shape {tuple(image.shape)} in {name!r}. "
                "Put EnsureChannelFirstd before it."
            )
        stored = np.asarray(image.detach().cpu() if isinstance(image, torch.Tensor) else image)
        channels = [self._denoise_channel(channel, modality, meta, name) for channel in stored]
        return convert_to_dst_type(np.stack(channels), image)[0]

    def _denoise_channel(
        self, stored: npt.NDArray[Any], modality: str, meta: Mapping[str, Any], name: str
    ) -> npt.NDArray[Any]:
        values = stored.astype(np.float32)
        axis = None if values.ndim == 2 else self._slice_axis(values.shape, meta)
        refuse_unusable(values, axis, repr(name))
        bits = np.iinfo(stored.dtype) if stored.dtype in (np.uint8, np.int8) else None
        scan = Scan(
            values,
            np.eye(4),
            slice_axis=axis,
            bit_range=meta.get("bit_range") or ((float(bits.min), float(bits.max)) if bits else None),
            hu_offset=float(meta.get("hu_offset") or 0.0),
        )
        removed = self.denoiser.removed(scan, modality, self.strength, self.noise_level, debias=self.debias)
        return subtract(stored, removed)

    def _slice_axis(self, shape: tuple[int, ...], meta: Mapping[str, Any]) -> int:
        if self.slice_axis is not None:
            return self.slice_axis
        if (affine := meta.get("affine")) is None:
            return 2
        original, known = meta.get("original_affine"), meta.get("slice_axis")
        if known is not None and original is not None and np.allclose(affine, original):
            return int(known)
        return thickest_axis(affine_to_spacing(np.asarray(affine)).tolist(), shape)
