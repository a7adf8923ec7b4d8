"""Simulated noise for batches of patches, with the same laws and the same distribution as for one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.transforms import Randomizable
from torch import Generator, Tensor

from monai_gan_denoise.transforms.distribution import LOW_DOSE, DrawnNoise, NoiseDistribution
from monai_gan_denoise.transforms.low_dose import mix_low_dose_noise
from monai_gan_denoise.transforms.noise import LAWS
from monai_gan_denoise.transforms.simulate import BANK_KEY, LARGEST_SEED, WINDOWED_KEY, law_modality

__all__ = ["SimulateNoise"]

POSITIONS = 8  # of a square: four turns, each flipped or not


class SimulateNoise(Randomizable):
    """Prepare batches for a MONAI trainer: clean images in, noisy and clean images out (``prepare_batch``).

    Every image is flipped and transposed at random, and its intensities are scaled and shifted a little; one that gets
    the noise of a magnitude keeps its zero. It then gets the noise drawn for it; images with the same law and
    parameters get it together.

    What a CT window cuts off is cut here, from windowed images: their low-dose noise comes before the window, all other
    noise after it.

    Args:
        distribution: what to draw laws and levels from.
        contrast: lowest and highest factor on the intensities.
        offset: lowest and highest shift of the intensities, in network units.
        seed: seed of all draws.
    """

    def __init__(
        self,
        distribution: NoiseDistribution,
        contrast: Sequence[float] = (1.0, 1.0),
        offset: Sequence[float] = (0.0, 0.0),
        seed: int = 0,
    ) -> None:
        self.distribution = distribution
        self.contrast, self.offset = contrast, offset
        self.drawn: list[list[DrawnNoise]] = []
        self.set_random_state(seed)

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Simulate noise on a batch; ``self.drawn`` keeps what was drawn for each image.

        Args:
            batch: ``label``, clean, ``(B, C, H, W)`` with ``H == W``, in network units; and for each image
                ``modality``, perhaps ``windowed`` (whether a CT holds no HU), perhaps ``low_dose_noise``,
                ``(K, H, W)`` or None.
            device: where the noise is drawn and the images end; that of ``label`` if None.
            non_blocking: do not wait for the images to arrive there.

        Returns:
            The noisy and the clean batch, in channels-last memory order.
        """
        clean = batch["label"].to(device, non_blocking=non_blocking)
        windowed = [bool(flag) for flag in batch.get(WINDOWED_KEY, [False] * len(clean))]
        banks = [None if bank is None else bank.to(clean) for bank in batch.get(BANK_KEY, [None] * len(clean))]
        self.drawn = [
            self.distribution.draw(law_modality(*image), self.R)
            for image in zip(batch["modality"], windowed, [bank is not None for bank in banks], strict=True)
        ]
        clean, banks = self._augment(clean, banks)
        noisy = clean.clone()
        rng = Generator(clean.device).manual_seed(int(self.R.randint(LARGEST_SEED)))
        self._add_banked(noisy, banks, rng)
        if any(windowed):
            rows = torch.tensor(windowed, device=clean.device)
            clean[rows], noisy[rows] = clean[rows].clamp(0, 1), noisy[rows].clamp(0, 1)
        for step in range(max(map(len, self.drawn), default=0)):
            self._add_laws(noisy, step, banks, rng)
        return noisy.to(memory_format=torch.channels_last), clean.to(memory_format=torch.channels_last)

    def _augment(self, images: Tensor, banks: Sequence[Tensor | None]) -> tuple[Tensor, list[Tensor | None]]:
        positions = self.R.randint(POSITIONS, size=len(images)).tolist()
        gains, offsets = (
            low + (high - low) * self.R.random_sample(len(images)) for low, high in (self.contrast, self.offset)
        )
        for row, laws in enumerate(self.drawn):
            if any(LAWS[drawn.law].magnitude for drawn in laws):
                offsets[row] = 0
        turned = torch.stack([_turn(image, position) for image, position in zip(images, positions, strict=True)])
        factors, shifts = (torch.from_numpy(values).to(images)[:, None, None, None] for values in (gains, offsets))
        return turned * factors + shifts, [
            None if bank is None else _turn(bank, position) * float(gain)
            for bank, position, gain in zip(banks, positions, gains, strict=True)
        ]

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


def _is_banked(drawn: DrawnNoise, bank: Tensor | None) -> bool:
    return bank is not None and drawn.law == LOW_DOSE


def _turn(image: Tensor, position: int) -> Tensor:
    return torch.rot90(image if position < 4 else image.flip(-1), position % 4, (-2, -1))
