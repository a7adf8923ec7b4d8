"""Simulated noise for training: a law and a level drawn anew for every image of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import (
    add_gaussian_noise,
    add_impulse_noise,
    add_poisson_noise,
    add_rician_noise,
    add_speckle_noise,
)

__all__ = ["SimulateNoise"]

LAWS = {
    "gaussian": add_gaussian_noise,
    "poisson": add_poisson_noise,
    "speckle": add_speckle_noise,
    "impulse": add_impulse_noise,
    "rician": add_rician_noise,
}


class SimulateNoise:
    """Prepare batches for a MONAI trainer: clean images in, noisy and clean images out (``prepare_batch``).

    Every image is flipped and transposed at random, and its intensities are scaled and shifted a little. It then goes
    through one law of noise (or none), and now and then through a second.

    Args:
        levels: for each law the lowest and the highest level. Most levels are drawn as ``low + (high - low) u ** 2``,
            ``u`` uniform, since weak noise is the common case and the hard one; ``poisson`` is in expected counts at
            white and drawn uniformly in the exponent.
        clean: share of images that get no noise.
        second: share of noisy images that get a second law.
        contrast: lowest and highest factor on the intensities.
        offset: lowest and highest shift of the intensities, in network units.
        seed: seed of all draws.

    Raises:
        ValueError: if a law in ``levels`` is unknown.
    """

    def __init__(
        self,
        levels: Mapping[str, Sequence[float]],
        clean: float,
        second: float,
        contrast: Sequence[float] = (1.0, 1.0),
        offset: Sequence[float] = (0.0, 0.0),
        seed: int = 0,
    ) -> None:
        unknown = sorted(set(levels) - set(LAWS))
        if unknown:
            raise ValueError(f"levels must name laws among {', '.join(LAWS)}, got {unknown[0]!r}. Remove it.")
        self.levels = {law: (float(low), float(high)) for law, (low, high) in levels.items()}
        self.clean, self.second = clean, second
        self.contrast, self.offset = contrast, offset
        self.rng = Generator().manual_seed(seed)

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Simulate noise on ``batch["label"]``, clean, ``(B, C, H, W)`` with ``H == W``.

        Returns:
            The noisy and the clean batch on ``device``, in channels-last memory order.
        """
        label = self._augment(batch["label"])
        noisy = self._apply_laws(label, torch.rand(len(label), generator=self.rng) >= self.clean)
        noisy = self._apply_laws(noisy, torch.rand(len(label), generator=self.rng) < self.second)
        return tuple(  # type: ignore[return-value]
            images.to(device, non_blocking=non_blocking, memory_format=torch.channels_last) for images in (noisy, label)
        )

    def _augment(self, clean: Tensor) -> Tensor:
        images = torch.stack(
            [
                torch.rot90(image if turn < 4 else image.flip(-1), turn % 4, (-2, -1))
                for image, turn in zip(clean, torch.randint(8, (len(clean),), generator=self.rng).tolist(), strict=True)
            ]
        )
        return images * self._uniform(images, self.contrast) + self._uniform(images, self.offset)

    def _apply_laws(self, images: Tensor, chosen: Tensor) -> Tensor:
        noisy = images.clone()
        law_of = torch.randint(len(self.levels), (len(images),), generator=self.rng)
        for number, (law, (low, high)) in enumerate(self.levels.items()):
            rows = torch.nonzero(chosen & (law_of == number)).flatten()
            if len(rows):
                share = self._uniform(images[rows], (0.0, 1.0))
                level = low * (high / low) ** share if law == "poisson" else low + (high - low) * share**2
                noisy[rows] = LAWS[law](images[rows], level, self.rng)
        return noisy

    def _uniform(self, images: Tensor, bounds: Sequence[float]) -> Tensor:
        draw = torch.rand((len(images), 1, 1, 1), generator=self.rng)
        return bounds[0] + (bounds[1] - bounds[0]) * draw
