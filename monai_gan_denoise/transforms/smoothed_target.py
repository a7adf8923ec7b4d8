"""Clean images split in two: what is left when the noise that the file holds is smoothed away, and that noise.

A network that is to give back images with noise in them learns to keep noise. So an image gives up what is as weak as
its own noise, and that comes back as noise of a known level, to be removed in part: see ``SimulateNoise``. Fine texture
goes along, which is why only a part is removed; edges stay.

Reference: He et al., "Guided image filtering", TPAMI 2013, eqs. 4 to 8; Zhang et al., "Rolling guidance filter", ECCV
2014 (the result guides the next pass, so that noise beside edges goes too).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.transforms.dead_leaves import LEAVES_KEY
from monai_gan_denoise.transforms.photographs import PHOTOGRAPH_KEY
from monai_gan_denoise.transforms.simulate import FILE_NOISE_KEY, IMAGE_KEY

__all__ = ["SmoothTargetd", "quiet_deviation", "rolling_guidance"]

BLOCK = 12  # pixels a side of the blocks whose deviation is measured: some ten grains of noise
SIGNAL = 0.05  # network units; blocks darker than this are background
RADIUS = 3  # pixels, of the filter's square window
PASSES = 4
SURPLUS = 1.5  # local power of what was smoothed away, over that of the noise, above which structure is among it


def rolling_guidance(images: Tensor, level: Tensor) -> Tensor:
    """Smooth what varies by less than a level within a window of 7 pixels, and keep edges.

    Args:
        images: ``(B, 1, H, W)``; not modified.
        level: deviation below which variation is smoothed away, ``(B, 1, 1, 1)``, in the images' units.

    Returns:
        The smoothed images, same shape.

    Example:
        >>> step = torch.cat((torch.zeros(1, 1, 32, 16), torch.ones(1, 1, 32, 16)), -1)
        >>> noisy = step + 0.02 * torch.randn(step.shape, generator=torch.Generator().manual_seed(0))
        >>> bool((rolling_guidance(noisy, torch.full((1, 1, 1, 1), 0.02)) - step)[..., :10].std() < 0.01)
        True
    """
    variance = level.square()
    guide = _mean(images, 1)
    for _ in range(PASSES):
        guide = _guided(images, guide, variance)
    removed = images - guide
    # The fits blunt edges. There more is gone than noise, and most of it is given back.
    surplus = _mean(removed.square(), 2) / (SURPLUS * variance)
    smooth: Tensor = images - removed / surplus.clamp(min=1).square()
    return smooth


def quiet_deviation(image: Tensor, quantile: float) -> float:
    """Measure the deviation of an image's quiet places: a low quantile over blocks of 12 x 12, a plane taken off.

    Args:
        image: ``(H, W)`` in network units.
        quantile: share of the blocks that are quieter, in ``[0, 1]``.

    Returns:
        The standard deviation; 0 where nothing but background is there.
    """
    rows, columns = (side // BLOCK * BLOCK for side in image.shape)
    if not rows or not columns:
        return 0.0
    blocks = image[:rows, :columns].unflatten(0, (-1, BLOCK)).unflatten(2, (-1, BLOCK)).transpose(1, 2).flatten(0, 1)
    blocks = blocks[blocks.mean((1, 2)) > SIGNAL].flatten(1).double()
    if not len(blocks):
        return 0.0
    ramp = torch.linspace(-1, 1, BLOCK, dtype=torch.float64)
    plane = torch.stack((torch.ones(BLOCK, BLOCK), *torch.meshgrid(ramp, ramp, indexing="ij")), -1).flatten(0, 1)
    base = torch.linalg.qr(plane.double())[0]
    rest = blocks - blocks @ base @ base.T
    deviations = (rest.square().sum(1) / (BLOCK**2 - 3)).sqrt()
    return float(torch.quantile(deviations, quantile))


class SmoothTargetd(MapTransform):
    """Smooth clean images by as much as their quiet places vary, and keep what that takes away.

    Belongs before ``AreaMeand``, which averages both parts: at an image's own size anatomy is smoothest, and at half of
    it the blocks vary by anatomy more than by noise. Pairs, dead leaves and photographs pass. What was taken away
    becomes the item ``file_noise``, of the image's shape.

    Args:
        keys: one stack of slices, ``(S, H, W)`` in network units; not modified.
        quantiles: for each modality the quantile of ``quiet_deviation`` that counts as noise: low where most of the
            image is structure, higher where it is speckle. A modality that is not named passes.
        modality_key: item that names the modality.

    Raises:
        ValueError: if a modality is unknown or a quantile outside ``[0, 1]``.
    """

    def __init__(self, keys: KeysCollection, quantiles: Mapping[str, float], modality_key: str = "modality") -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.quantiles = {known_modality(name): quantile for name, quantile in quantiles.items()}
        for name, quantile in self.quantiles.items():
            if not 0 <= quantile <= 1:
                raise ValueError(f"quantiles must be in [0, 1], got {quantile} for {name}. Leave the modality out.")
        self.modality_key = modality_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Smooth."""
        items = dict(data)
        quantile = self.quantiles.get(known_modality(str(items[self.modality_key])))
        if quantile is None or any(key in items for key in (IMAGE_KEY, LEAVES_KEY, PHOTOGRAPH_KEY)):
            return items
        for key in self.key_iterator(items):
            stack = torch.as_tensor(items[key]).float()
            levels = torch.tensor([quiet_deviation(image, quantile) for image in stack])[:, None, None, None]
            smooth = rolling_guidance(stack[:, None], levels.clamp(min=1e-6))[:, 0]
            items[key] = torch.where(levels[:, 0] > 0, smooth, stack)
            items[FILE_NOISE_KEY] = stack - items[key]
        return items


def _guided(images: Tensor, guide: Tensor, variance: Tensor) -> Tensor:
    """Fit ``images`` by ``a guide + b`` in every window, a ridge of ``variance`` on ``a``, and average the fits."""
    mean, guide_mean = _mean(images, RADIUS), _mean(guide, RADIUS)
    covariance = _mean(guide * images, RADIUS) - guide_mean * mean
    slope = covariance / (_mean(guide.square(), RADIUS) - guide_mean.square() + variance)
    return _mean(slope, RADIUS) * guide + _mean(mean - slope * guide_mean, RADIUS)


def _mean(images: Tensor, radius: int) -> Tensor:
    margins = (radius,) * 4
    return F.avg_pool2d(F.pad(images, margins, mode="replicate"), 2 * radius + 1, 1)
