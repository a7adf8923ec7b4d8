"""Noisy and clean batches of patches: measured noise, or simulated with the laws and the distribution of one image."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.transforms import Randomizable
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.transforms.distribution import LOW_DOSE, DrawnNoise, NoiseDistribution
from monai_gan_denoise.transforms.low_dose import mix_low_dose_noise
from monai_gan_denoise.transforms.neighbors import SyntheticNeighbors
from monai_gan_denoise.transforms.noise import LAWS
from monai_gan_denoise.transforms.simulate import (
    BANK_KEY,
    FILE_NOISE_KEY,
    IMAGE_KEY,
    LARGEST_SEED,
    WINDOWED_KEY,
    law_modality,
)

__all__ = ["SimulateNoise"]

POSITIONS = 8  # of a square: four turns, each flipped or not
MISSING = 0.1  # share of the images with neighbors that are the first slice, and share that are the last
NEAREST_ALONE = 0.2  # share that have the next slices alone


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

    What is asked for is what can be known: where a law shifts the mean, as that of a magnitude does, the mean of the
    noisy image takes the place of the clean one. A network asked for the clean one has to guess a shift of whole
    regions.

    Some images get neighboring slices, made from themselves, with the same law and level and noise of their own.

    The noise that an image's file holds comes back beneath all other, and a share of it is asked to go: another one for
    each image, which the noise level tells, so that a network removes as much as it is told and never all of what may
    be fine texture. Images with neighbors do without, since a neighbor would need file noise of its own.

    Args:
        distribution: what to draw laws and levels from.
        contrast: lowest and highest factor on the intensities.
        offset: lowest and highest shift of the intensities, in network units.
        seed: seed of all draws.
        zeroed: modalities that are never shifted, whatever their noise; a windowed CT, which has no HU, is.
        neighbors: how neighboring slices are made; None for single images.
        neighbors_share: share of the images that get neighbors.
        expect: ask for the mean of the noisy image; the clean one itself if False.
        removed: by modality, lowest and highest share of the file's own noise that what is asked for lacks; of a
            modality that is not named all of it stays.

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
        neighbors: SyntheticNeighbors | None = None,
        neighbors_share: float = 0.5,
        expect: bool = True,
        removed: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.distribution = distribution
        self.contrast, self.offset = contrast, offset
        self.zeroed = {known_modality(name) for name in zeroed}
        self.neighbors, self.neighbors_share = neighbors, neighbors_share
        self.expect = expect
        self.removed = {known_modality(name): tuple(shares) for name, shares in (removed or {}).items()}
        self.drawn: list[list[DrawnNoise]] = []
        self.set_random_state(seed)

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Prepare a batch; ``self.drawn`` keeps what was drawn for each image, nothing for those with measured noise.

        Args:
            batch: ``label``, clean, ``(B, C, H, W)`` with ``H == W``, in network units; and for each image
                ``modality``, perhaps ``image`` (the noisy one that was measured, ``(C, H, W)`` or None), perhaps
                ``windowed`` (whether a CT holds no HU), perhaps ``low_dose_noise``, ``(K, H, W)`` or None, perhaps
                ``file_noise``, ``(C, H, W)`` or None.
            device: where the noise is drawn and the images end; that of ``label`` if None.
            non_blocking: do not wait for the images to arrive there.

        Returns:
            The noisy batch, ``(B, 1, H, W)``, or with neighbors ``(B, 1 + 2 count, H, W)``, zeros where an image has
            none; and what is asked for, ``(B, 1, H, W)``. Both are in channels-last memory order.
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
        rng = Generator(clean.device).manual_seed(int(self.R.randint(LARGEST_SEED)))
        frames = self._frames(clean, pairs, rng)
        noisy = frames.images.clone()
        if pairs:
            measured = torch.stack(list(pairs.values())).to(clean, non_blocking=non_blocking)
            noisy[list(pairs)] = _show(measured, [views[row] for row in pairs])
        self._add_file_noise(noisy, frames, batch, views)
        self._add_banked(noisy, frames, banks, rng)
        if any(windowed):
            rows = torch.tensor([windowed[row] for row in frames.rows], device=clean.device)
            frames.images[rows], noisy[rows] = frames.images[rows].clamp(0, 1), noisy[rows].clamp(0, 1)
        for step in range(max(map(len, self.drawn), default=0)):
            self._add_laws(noisy, frames, step, banks, rng)
        target = frames.images[: len(clean)].to(memory_format=torch.channels_last)
        return frames.stack(noisy).to(memory_format=torch.channels_last), target

    def _frames(self, clean: Tensor, pairs: Collection[int], rng: Generator) -> _Frames:
        """List the images, then the neighbors of those that get some; measured noise has no neighbors."""
        if self.neighbors is None:
            return _Frames(clean.clone(), list(range(len(clean))), [], torch.ones(0, 0), 0)
        chosen = self.R.random_sample(len(clean)) < self.neighbors_share
        beside = [row for row in range(len(clean)) if chosen[row] and row not in pairs]
        count = self.neighbors.count
        around = self.neighbors.draw(clean, rng)[beside].reshape(-1, 1, *clean.shape[-2:])
        rows = [*range(len(clean)), *(row for row in beside for _ in range(2 * count))]
        return _Frames(torch.cat((clean, around)), rows, beside, self._shown(len(beside), count).to(clean), count)

    def _shown(self, images: int, count: int) -> Tensor:
        """Draw which neighbors there are: a series has first and last slices, and some networks take fewer."""
        shown = torch.ones(images, 2 * count)
        draws = torch.as_tensor(self.R.random_sample((images, 2)))
        shown[draws[:, 0] < MISSING, :count] = 0
        shown[draws[:, 0] > 1 - MISSING, count:] = 0
        near = draws[:, 1] < NEAREST_ALONE
        shown[near, : count - 1] = 0
        shown[near, count + 1 :] = 0
        return shown

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

    def _add_file_noise(self, noisy: Tensor, frames: _Frames, batch: Mapping[str, Any], views: Sequence[_View]) -> None:
        """Add the noise of the files to the noisy images, in place, and what is to stay of it to the target."""
        for row, own in enumerate(batch.get(FILE_NOISE_KEY, ())):
            if own is not None and row not in frames.beside:
                low, high = self.removed.get(known_modality(batch["modality"][row]), (0.0, 0.0))
                shown = views[row].scale(own.to(noisy))
                noisy[row] += shown
                frames.images[row] += (1 - self.R.uniform(low, high)) * shown

    def _add_banked(self, noisy: Tensor, frames: _Frames, banks: Sequence[Tensor | None], rng: Generator) -> None:
        """Add low-dose noise from the banks, in place; a distribution draws it first of an image's laws."""
        for frame, row in enumerate(frames.rows):
            bank = banks[row]
            for drawn in self.drawn[row]:
                if bank is not None and _is_banked(drawn, bank):
                    beside = frame >= len(self.drawn)
                    noisy[frame] += mix_low_dose_noise(self._elsewhere(bank) if beside else bank, drawn.level, rng)

    def _elsewhere(self, bank: Tensor) -> Tensor:
        """Take the noise of a neighbor from another place of the bank, so that it is independent of the image's."""
        shifts = [int(self.R.randint(side // 4, 3 * side // 4 + 1)) for side in bank.shape[-2:]]
        return torch.rot90(bank, 2, (-2, -1)).roll(shifts, (-2, -1))

    def _add_laws(
        self, noisy: Tensor, frames: _Frames, step: int, banks: Sequence[Tensor | None], rng: Generator
    ) -> None:
        """Add the laws that come at one step, in place, a group of images at a time; and their means to the target."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for frame, row in enumerate(frames.rows):
            laws = self.drawn[row]
            if len(laws) > step and not _is_banked(laws[step], banks[row]):
                groups.setdefault((laws[step].law, laws[step].parameters), []).append(frame)
        for members in groups.values():
            drawn = self.drawn[frames.rows[members[0]]][step]
            index = torch.tensor(members, device=noisy.device)
            levels = torch.tensor([self.drawn[frames.rows[frame]][step].level for frame in members]).to(noisy)
            levels = levels[:, None, None, None]
            state = rng.get_state()
            noisy[index] = drawn.add(noisy[index], levels, rng)
            if not self.expect:
                continue
            again = Generator(noisy.device)
            again.set_state(state)
            frames.images[index] = drawn.expect(frames.images[index], levels, again)


@dataclass(frozen=True)
class _Frames:
    """The images of a batch, then neighboring slices of some of them.

    Attributes:
        images: ``(frames, 1, H, W)``, without noise.
        rows: the image that each frame belongs to.
        beside: the images that have neighbors, in the order of their frames.
        shown: of these, 1 for each neighbor that there is and 0 for the others, ``(len(beside), 2 count)``.
        count: neighbors on either side.
    """

    images: Tensor
    rows: list[int]
    beside: list[int]
    shown: Tensor
    count: int

    def stack(self, frames: Tensor) -> Tensor:
        """Put the neighbors around their images; zeros where there are none."""
        images = len(frames) - 2 * self.count * len(self.beside)
        if self.count == 0:
            return frames
        stacks = frames.new_zeros((images, 2 * self.count + 1, *frames.shape[-2:]))
        stacks[:, self.count] = frames[:images, 0]
        if self.beside:
            around = frames[images:, 0].unflatten(0, (len(self.beside), 2 * self.count))
            around = around * self.shown[..., None, None]
            stacks[self.beside, : self.count] = around[:, : self.count]
            stacks[self.beside, self.count + 1 :] = around[:, self.count :]
        return stacks


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
