"""Windows of CT: most clinical images have left HU for the gray levels of some window."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_gan_denoise.scans.modality import CT_RANGE, known_modality
from monai_gan_denoise.transforms.simulate import BANK_KEY, FILE_NOISE_KEY, WINDOWED_KEY

__all__ = ["RandWindowd"]


class RandWindowd(RandomizableTransform, MapTransform):
    """Show a CT through a random window, now and then: ``(x - level) / width + 0.5``, cut to [0, 1].

    Images of other modalities pass, and CT that are windowed already or not to leave HU. A bank of noise is scaled
    along, and so is the file's own.

    Args:
        keys: images in network units that get the same window; not modified.
        prob: share of CT images that are windowed.
        level: lowest and highest middle of the window, in HU; drawn uniformly.
        width: lowest and highest width of the window, in HU; drawn uniformly in the exponent.
        clip: cut to [0, 1]. False leaves that to ``SimulateNoise``, which adds low-dose noise before it cuts.
        bank_key: item with a bank of low-dose noise, if there is one.
        keep_key: item that tells, where it is true, that a CT is to stay in HU.

    Raises:
        ValueError: if the widths are not positive and in order.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float,
        level: Sequence[float],
        width: Sequence[float],
        clip: bool = True,
        bank_key: str = BANK_KEY,
        keep_key: str = "sharp",
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys=True)
        RandomizableTransform.__init__(self, prob)
        if not 0 < width[0] <= width[1]:
            raise ValueError(f"width must be two positive numbers, lowest first, got {list(width)}. Pass HU.")
        self.level, self.width = level, width
        self.clip, self.bank_key, self.keep_key = clip, bank_key, keep_key
        self.window = (0.0, 1.0)

    def randomize(self, data: Any = None) -> None:
        """Draw whether to window, the level and the width."""
        super().randomize(data)
        level = self.R.uniform(self.level[0], self.level[1])
        width = self.width[0] * (self.width[1] / self.width[0]) ** self.R.random_sample()
        self.window = (float(level - width / 2), float(width))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Window."""
        items = dict(data)
        self.randomize()
        if not self._do_transform or known_modality(str(items["modality"])) != "ct":
            return items
        if items.get(WINDOWED_KEY) or items.get(self.keep_key):
            return items
        lower, width = self.window
        gain = (CT_RANGE[1] - CT_RANGE[0]) / width
        for key in self.key_iterator(items):
            windowed = items[key] * gain + (CT_RANGE[0] - lower) / width
            items[key] = windowed.clamp(0, 1) if self.clip else windowed
        for key in (self.bank_key, FILE_NOISE_KEY):
            if key in items:
                items[key] = items[key] * gain
        items[WINDOWED_KEY] = True
        return items
