"""Noisy and clean batches of patches: measured noise, or simulated with the laws and the distribution of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.transforms import Randomizable
from torch import Generator, Tensor

from monai_gan_denoise.transforms.distribution import LOW_DOSE, DrawnNoise, NoiseDistribution
from monai_gan_denoise.transforms.intensity import known_modality
from monai_gan_denoise.transforms.low_dose import mix_low_dose_noise
from monai_gan_denoise.transforms.noise import LAWS
from monai_gan_denoise.transforms.simulate import BANK_KEY, IMAGE_KEY, LARGEST_SEED, WINDOWED_KEY, law_modality

__all__ = ["SimulateNoise"]

POSITIONS = 8  # of a square: four turns, each flipped or not


class SimulateNoise(Randomizable):
    """Prepare batches for a MONAI trainer: clean images in, noisy and clean images out (``prepare_batch``).

    Every image is flipped and transposed at random, and its intensities are scaled and shifted a little. It then gets
    the noise drawn for it; images with the same law and parameters get it together. One that was measured together with
    a noisy image keeps that one as it is, turned, scaled and shifted alike, and gets no more noise.

    A zero that means something stays: that of an image which gets the noise of a magnitude, and those of ``zeroed``.
    The background of an MR magnitude is 0, so that a network may take a raised floor for Rician bias and remove it;
    shifted images that are clean would teach it not to.

    What a CT window cuts off is cut here, from windowed images: their low-dose noise comes before the window, all other
    noise after it.

    Args:
        distribution: what to draw laws and levels from.
        contrast: lowest and highest factor on the intensities.
        offset: lowest and highest shift of the intensities, in network units.
        seed: seed of all draws.
        zeroed: modalities that are never shifted, whatever their noise; a windowed CT, which has no HU, is.

    Raises:
        ValueError: if a modality is unknown.
    """

    def __init__(
        self,
        distribution: NoiseDistribution,
        contrast: Sequence[float] = (1.0, 1.0),
        offset: Sequence[float] = (0.0, 0.0),
        seed: int = 0,
        zeroed: Sequence[str] = (),
    ) -> None:
        self.distribution = distribution
        self.contrast, self.offset = contrast, offset
        self.zeroed = {known_modality(name) for name in zeroed}
        self.drawn: list[list[DrawnNoise]] = []
        self.set_random_state(seed)

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Prepare a batch; ``self.drawn`` keeps what was drawn for each image, nothing for those with measured noise.

        Args:
            batch: ``label``, clean, ``(B, C, H, W)`` with ``H == W``, in network units; and for each image
                ``modality``, perhaps ``image`` (the noisy one that was measured, ``(C, H, W)`` or None), perhaps
                ``windowed`` (whether a CT holds no HU), perhaps ``low_dose_noise``, ``(K, H, W)`` or None.
            device: where the noise is drawn and the images end; that of ``label`` if None.
            non_blocking: do not wait for the images to arrive there.

        Returns:
            The noisy and the clean batch, in channels-last memory order.
        """
        clean = batch["label"].to(device, non_blocking=non_blocking)
        windowed = [bool(flag) for flag in batch.get(WINDOWED_KEY, [False] * len(clean))]
        banks = [None if bank is None else bank.to(clean) for bank in batch.get(BANK_KEY, [None] * len(clean))]
        pairs = {row: image for row, image in enumerate(batch.get(IMAGE_KEY, ())) if image is not None}
        images = zip(batch["modality"], windowed, [bank is not None for bank in banks], strict=True)
        self.drawn = [
            [] if row in pairs else self.distribution.draw(law_modality(*image), self.R)
            for row, image in enumerate(images)
        ]
        views = self._draw_views(batch["modality"], windowed)
        banks = [None if bank is None else view.scale(bank) for view, bank in zip(views, banks, strict=True)]
        clean = _show(clean, views)
        noisy = clean.clone()
        if pairs:
            measured = torch.stack(list(pairs.values())).to(clean, non_blocking=non_blocking)
            noisy[list(pairs)] = _show(measured, [views[row] for row in pairs])
        rng = Generator(clean.device).manual_seed(int(self.R.randint(LARGEST_SEED)))
        self._add_banked(noisy, banks, rng)
        if any(windowed):
            rows = torch.tensor(windowed, device=clean.device)
            clean[rows], noisy[rows] = clean[rows].clamp(0, 1), noisy[rows].clamp(0, 1)
        for step in range(max(map(len, self.drawn), default=0)):
            self._add_laws(noisy, step, banks, rng)
        return noisy.to(memory_format=torch.channels_last), clean.to(memory_format=torch.channels_last)

    def _draw_views(self, modalities: Sequence[str], windowed: Sequence[bool]) -> list[_View]:
        count = len(modalities)
        positions = self.R.randint(POSITIONS, size=count).tolist()
        gains, offsets = (
            (low + (high - low) * self.R.random_sample(count)).tolist() for low, high in (self.contrast, self.offset)
        )
        for row, (modality, cut) in enumerate(zip(modalities, windowed, strict=True)):
            magnitude = any(LAWS[drawn.law].magnitude for drawn in self.drawn[row])
            if magnitude or (known_modality(modality) in self.zeroed and not cut):
                offsets[row] = 0.0
        return [_View(*view) for view in zip(positions, gains, offsets, strict=True)]

    def _add_banked(self, noisy: Tensor, banks: Sequence[Tensor | None], rng: Generator) -> None:
        """Add low-dose noise from the banks, in place; a distribution draws it first of an image's laws."""
        for row, (laws, bank) in enumerate(zip(self.drawn, banks, strict=True)):
            for drawn in laws:
                if bank is not None and _is_banked(drawn, bank):
                    noisy[row] += mix_low_dose_noise(bank, drawn.level, rng)

    def _add_laws(self, noisy: Tensor, step: int, banks: Sequence[Tensor | None], rng: Generator) -> None:
        """Add the laws that come at one step, in place, a group of images at a time."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for row, laws in enumerate(self.drawn):
            if len(laws) > step and not _is_banked(laws[step], banks[row]):
                groups.setdefault((laws[step].law, laws[step].parameters), []).append(row)
        for rows in groups.values():
            index = torch.tensor(rows, device=noisy.device)
            levels = torch.tensor([self.drawn[row][step].level for row in rows]).to(noisy)
            noisy[index] = self.drawn[rows[0]][step].add(noisy[index], levels[:, None, None, None], rng)


@dataclass(frozen=True)
class _View:
    """How one image is shown: turned, scaled, shifted."""

    position: int
    gain: float
    offset: float

    def turn(self, image: Tensor) -> Tensor:
        flipped = image if self.position < 4 else image.flip(-1)
        return torch.rot90(flipped, self.position % 4, (-2, -1))

    def scale(self, noise: Tensor) -> Tensor:
        return self.turn(noise) * self.gain


def _show(images: Tensor, views: Sequence[_View]) -> Tensor:
    turned = torch.stack([view.turn(image) for image, view in zip(images, views, strict=True)])
    scales = torch.tensor([(view.gain, view.offset) for view in views], dtype=images.dtype, device=images.device)
    gains, offsets = scales.T[..., None, None, None]
    shown: Tensor = turned * gains + offsets
    return shown


def _is_banked(drawn: DrawnNoise, bank: Tensor | None) -> bool:
    return bank is not None and drawn.law == LOW_DOSE
