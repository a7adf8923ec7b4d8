"""Low-dose noise for training: projected once for each slice, then mixed anew for every patch."""

from __future__ import annotations

import math
import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import CT_RANGE
from monai_gan_denoise.transforms.noise.projection import ELECTRONIC_STD, draw_low_dose_noise
from monai_gan_denoise.transforms.noise.tomography import GEOMETRIES, KERNELS, Scan, Tomograph

__all__ = ["AREA_MEAN_KEY", "LowDoseNoised", "mix_low_dose_noise"]

AREA_MEAN_KEY = "area_mean"  # item in which AreaMeand tells how many rows and columns became one
REFERENCE_DOSES = (1.0, 0.05)  # of the full dose; 5 % is below what is scanned in practice, bar lung screening


class LowDoseNoised(MapTransform):
    """Draw independent low-dose noises of a clean CT slice, to be cropped with it and mixed into it.

    Belongs after ``NormalizeModalityd`` and before the random crop, so that a ``CacheDataset`` runs it once. It draws
    nothing from a global state: the noise follows from ``seed`` and the slice's pixels, in whatever order slices come.

    Each slice has a scanner of its own, drawn from the ranges, so that textures vary. The noise is drawn by the exact
    law at the full and at a twentieth of the dose; ``mix_low_dose_noise`` says what doses between them get.

    Args:
        keys: the clean slice, ``(1, H, W)`` in network units, or a stack of slices, ``(S, H, W)``; one key. A CT whose
            item ``windowed`` is true holds no HU and gets no noise, nor does a pair.
        noise_key: where the noise is written: ``(2 realizations, H, W)``, float16, in network units, each multiplied by
            the root of its dose. Images of another modality get zeros of that shape that take no memory, so that
            batches collate. A stack of several slices gets ``(S, 2 realizations, H, W)``.
        realizations: independent draws at each of the two doses, at least 2; each takes 0.5 MB at 512 x 512.
        photons: lowest and highest number of photons at full dose, drawn uniformly in the exponent.
        electronic_std: read-out noise, in photons.
        spacing: smallest and largest pixel in mm, drawn uniformly; an item ``spacing_key`` comes first. An image
            that ``AreaMeand`` made smaller shows larger pixels than the drawn ones, by its factor.
        geometries: of ``GEOMETRIES``, drawn evenly.
        kernels: of ``KERNELS``, drawn evenly.
        seed: seed of all draws.
        modality_key: item that names the modality; where it is absent the image's metadata does.
        spacing_key: item that holds the slice's own pixel size in mm.
        image_key: item that a pair has, the noisy image that was measured.

    Raises:
        ValueError: if ``realizations`` is less than 2; on a call, if a value is outside its range.
    """

    def __init__(
        self,
        keys: KeysCollection,
        noise_key: str = "low_dose_noise",
        realizations: int = 2,
        photons: Sequence[float] = (3e5, 3e6),
        electronic_std: float = ELECTRONIC_STD,
        spacing: Sequence[float] = (0.6, 0.9),
        geometries: Sequence[str] = GEOMETRIES,
        kernels: Sequence[str] = tuple(KERNELS),
        seed: int = 0,
        modality_key: str = "modality",
        spacing_key: str = "spacing",
        image_key: str = "image",
    ) -> None:
        super().__init__(keys)
        if realizations < 2:
            raise ValueError(f"realizations must be at least 2, got {realizations}. One alone cannot be mixed.")
        self.noise_key, self.realizations = noise_key, realizations
        self.photons, self.electronic_std, self.spacing = photons, electronic_std, spacing
        self.geometries, self.kernels = geometries, kernels
        self.seed, self.modality_key, self.spacing_key = seed, modality_key, spacing_key
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the noise; what was drawn for the scanner is not kept."""
        items = dict(data)
        if self.image_key in items:
            return items
        image = items[self.keys[0]]
        meta = image.meta if isinstance(image, MetaTensor) else {}
        shape = (len(REFERENCE_DOSES) * self.realizations, *image.shape[1:])
        if (items.get(self.modality_key) or meta.get("modality")) == "ct":
            if items.get("windowed"):  # gray levels, and no HU to project
                return items
            clean = torch.as_tensor(image.as_tensor() if isinstance(image, MetaTensor) else image).float().cpu()
            factor = items.get(AREA_MEAN_KEY, 1)
            noise = [self._noise(one, items.get(self.spacing_key), factor) for one in clean]
            items[self.noise_key] = noise[0] if len(noise) == 1 else torch.stack(noise)
        else:
            items[self.noise_key] = torch.zeros((1, 1, 1), dtype=torch.float16).expand(shape)
        return items

    def _noise(self, clean: Tensor, spacing: float | None, factor: int) -> Tensor:
        rng = Generator().manual_seed(self.seed ^ zlib.crc32(clean.contiguous().numpy().tobytes()))
        draws = torch.rand(4, generator=rng).tolist()
        low, high = self.photons
        scan = Scan(
            spacing=spacing or factor * (self.spacing[0] + (self.spacing[1] - self.spacing[0]) * draws[1]),
            geometry=self.geometries[int(draws[2] * len(self.geometries))],
            kernel=self.kernels[int(draws[3] * len(self.kernels))],
        )
        photons = low * (high / low) ** draws[0]
        lower, upper = CT_RANGE
        hounsfield = lower + (upper - lower) * clean
        tomograph = Tomograph(scan, *clean.shape)
        noise = [
            math.sqrt(dose)
            * draw_low_dose_noise(hounsfield, dose, photons, self.electronic_std, rng, tomograph, self.realizations)
            for dose in REFERENCE_DOSES
        ]
        return torch.cat(noise).div(upper - lower).half()


def mix_low_dose_noise(noise: Tensor, dose: float | Tensor, rng: Generator) -> Tensor:
    """Mix realizations into a noise not seen before, at any dose.

    At each of the two reference doses the realizations are added up along a random direction of unit length, which
    keeps their variance at every pixel and their texture. The variance of ``p'`` is ``A / dose + B / dose^2``, of the
    photons and of the read-out; the two references, weighted by ``w`` and ``1 - w`` linear in ``1 / dose``, give just
    that between them. What is approximate: the mean, which the logarithm biases by some HU at the lowest doses, has a
    random sign; and below the lower reference the deviation grows as ``1 / sqrt(dose)`` only.

    Args:
        noise: realizations, ``(..., K, H, W)``, as ``LowDoseNoised`` gives them.
        dose: fraction of the full dose, in ``(0, 1]``; a number, or a tensor that broadcasts, as ``(B, 1, 1, 1)``.
        rng: source of randomness, on the device of ``noise``.

    Returns:
        Noise to be added to the clean image, ``(..., 1, H, W)``, float32, in the units of ``noise``.

    Raises:
        ValueError: if ``dose`` is outside ``(0, 1]``.
    """
    level = torch.as_tensor(dose, dtype=torch.float32, device=noise.device).expand(*noise.shape[:-3], 1, 1, 1)
    if not bool(((level > 0) & (level <= 1)).all()):
        raise ValueError(f"dose must be in (0, 1], got {float(level.min()):g}. Pass a fraction of the full dose.")
    high, low = REFERENCE_DOSES
    share = ((1 / level - 1 / high) / (1 / low - 1 / high)).clamp(max=1)
    count = noise.shape[-3] // 2
    directions = torch.randn((*noise.shape[:-3], 2, count, 1, 1), generator=rng, device=noise.device)
    directions = directions / directions.norm(dim=-3, keepdim=True)
    weights = directions * (torch.stack((1 - share, share), -4) / level.unsqueeze(-4)).sqrt()
    mixed: Tensor = (weights.flatten(-4, -3) * noise.float()).sum(-3, keepdim=True)
    return mixed
