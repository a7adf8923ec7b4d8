"""How images reach the network: all stages at once in training, slice by slice in inference."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from monai.inferers import Inferer
from torch import Tensor
from tqdm import tqdm

from monai_gan_denoise.engines.noise_level import (
    NoiseLevel,
    Setting,
    check_noise_level,
    range_width,
    warn_of_far_level,
)
from monai_gan_denoise.engines.outliers import predict_without_outliers, without_outliers
from monai_gan_denoise.engines.slices import Index, closed, opened, put, slices_of, take, varies
from monai_gan_denoise.engines.tiles import predict_in_windows

__all__ = ["SlicewiseInferer", "StagesInferer", "predict"]

logger = logging.getLogger(__name__)

BFLOAT16_ERROR = 0.05  # of what is removed; rounding to 8 bits in a dozen layers costs about 0.01


class StagesInferer(Inferer):
    """Give the loss what it compares: refined image, coarse image, noise-level map.

    Args:
        bfloat16: compute in bfloat16, twice as fast on CPUs that have it, if the first batch comes out as in float32.
            Some releases of torch compute wrong results in it on some CPUs (pytorch#183815).
    """

    def __init__(self, bfloat16: bool = False) -> None:
        super().__init__()
        self.bfloat16 = bfloat16
        self.checked = False

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], level: Tensor | None = None, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run a network that shows its stages, ``networks.Staged``.

        Args:
            inputs: ``(B, S, H, W)``, as the network takes them.
            network: the network.
            level: the noise level that it is told, ``(B, 1, H, W)``; None for nothing.
        """
        if self.bfloat16 and not self.checked:
            self._check(inputs, network)
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.bfloat16):
            refined, coarse, estimated = network(inputs) if level is None else network(inputs, level)
        return refined.float(), coarse.float(), estimated.float()

    @torch.no_grad()
    def _check(self, inputs: Tensor, network: Callable[..., Any]) -> None:
        """Fall back to float32 where bfloat16 is slower, or changes more of the first batch than rounding does.

        A CPU without instructions for it emulates bfloat16, many times slower than it computes in float32.
        """
        self.checked = True
        exact, float32_time = _timed(partial(network, inputs))
        rounded, bfloat16_time = _timed(partial(self, inputs, network))
        if bfloat16_time > float32_time:
            logger.warning(
                "bfloat16 is %.2g times slower than float32 here; float32 is used.", bfloat16_time / float32_time
            )
            self.bfloat16 = False
            return
        middle = inputs.narrow(1, inputs.shape[1] // 2, 1)
        removed, error = ((middle - exact[0]).square().mean().sqrt(), (rounded[0] - exact[0]).square().mean().sqrt())
        if not error <= BFLOAT16_ERROR * removed:  # so that NaN falls back too
            logger.warning("bfloat16 is off by %.2g of what float32 removes; float32 is used.", float(error / removed))
            self.bfloat16 = False


def _timed(run: Callable[[], tuple[Tensor, ...]]) -> tuple[tuple[Tensor, ...], float]:
    """Run twice, the first time to choose and compile kernels, and time the second, in seconds."""
    run()
    start = perf_counter()
    result = run()
    if result[0].is_cuda:
        torch.cuda.synchronize()
    return result, perf_counter() - start


class SlicewiseInferer(Inferer):
    """Denoise every slice of an image, volume or series with a two-dimensional network.

    Slices are whole, or in windows that give the whole slice's result (see ``tiles``), so there are no seams in the
    plane; MONAI's SliceInferer blends windows and holds two more copies of the volume for that. The slice axis comes
    from the image's metadata (``slice_axis``), else it is the third. Axes beyond the third are taken as more slices. A
    constant slice has no noise to remove and passes unchanged. Values far outside the range are kept from the network
    (see ``outliers``).

    Args:
        batch_size: slices that the network sees at once; fewer where they have more pixels than a window.
        progress: show a progress bar for volumes.
        window: pixels along each side of what the network sees at once, at most; a network must say its ``reach`` and
            ``stride`` for that, as ``networks.TwoStageDenoiser`` does, or slices are whole. None for whole slices.
        noise_level: what the network is told of the noise, as ``NoiseLevel.of`` reads it.
        noise_map: give the noise-level map besides, which takes another copy of the volume.

    Raises:
        ValueError: if ``batch_size`` is not positive or ``noise_level`` is none; on a call, if the network cannot be
            told one.
    """

    def __init__(
        self,
        batch_size: int,
        progress: bool = True,
        window: int | None = None,
        noise_level: Setting = "auto",
        noise_map: bool = False,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}. Pass a number of slices.")
        self.batch_size = batch_size
        self.progress = progress
        self.window = window
        self.noise_level = NoiseLevel.of(noise_level)
        self.noise_map = noise_map
        self.warned: set[str] = set()

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], *_: Any, **__: Any
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Denoise ``inputs``, ``(1, 1, *spatial)`` in network units with two spatial axes or more.

        Returns:
            Same shape, on the device and with the metadata of ``inputs``. With ``noise_map`` also the map of the
            standard deviation that the network took the noise to have, in the units that ``inputs`` had before
            ``NormalizeModalityd``; 0 where a slice is constant.
        """
        check_noise_level(network, self.noise_level, self.noise_map)
        volume, meta, name = opened(inputs)
        width, axis = range_width(inputs), meta.get("slice_axis")
        level = self.noise_level.map_for(volume, width, name)
        denoised, levels = volume.clone(), torch.zeros_like(volume) if self.noise_map else None
        slices, results = slices_of(volume, axis), slices_of(denoised, axis)
        medians: list[Tensor] = []  # of slices; that of all pixels would take a copy of the volume
        for batch in self._batches(slices, name):
            told = None if level is None else take(slices_of(level, axis), batch)
            predicted, estimated = self._denoise(network, take(slices, batch), told)
            put(predicted, results, batch)
            if estimated is not None:
                medians += estimated.flatten(1).median(1).values
            if levels is not None and estimated is not None:
                put(self.noise_level.factor * estimated if told is None else told, slices_of(levels, axis), batch)
        if medians and name not in self.warned:  # a series comes volume by volume
            self.warned.add(name)
            warn_of_far_level(self.noise_level, width * float(torch.stack(medians).median()), name)
        if levels is None:
            return closed(denoised, meta)
        return closed(denoised, meta), closed(levels.mul_(width), meta)

    def estimate(self, inputs: Tensor, network: Callable[..., Any]) -> Tensor:
        """Estimate the noise-level map and denoise nothing.

        Args:
            inputs: as for a call.
            network: one that has ``noise_level``.

        Returns:
            The network's own estimate, as a call gives it with ``noise_map``, whatever ``noise_level`` is.

        Raises:
            ValueError: if the network knows no noise level.
        """
        check_noise_level(network, "auto", noise_map=True)
        volume, meta, name = opened(inputs)
        axis, levels = meta.get("slice_axis"), torch.zeros_like(volume)
        slices = slices_of(volume, axis)
        estimate = partial(_call, network.noise_level, network)  # type: ignore[attr-defined]
        for batch in self._batches(slices, name):
            shown, _ = without_outliers(take(slices, batch))
            estimated = _in_windows(lambda seen: estimate(seen[0])[None], network, shown[None], self.window)
            put(estimated[0], slices_of(levels, axis), batch)
        return closed(levels.mul_(range_width(inputs)), meta)

    def _batches(self, slices: Tensor, name: str) -> Iterator[list[Index]]:
        """Go through the slices that vary, as many at a time as the network is to see, and show how far it is."""
        indices = list(np.ndindex(*slices.shape[2:]))
        count = self._slices_at_once(slices.shape[0] * slices.shape[1])
        batches = [indices[start : start + count] for start in range(0, len(indices), count)]
        constant = 0
        # None: no bar where there is no terminal to redraw it on.
        hidden = None if self.progress and len(batches) > 1 else True
        bar = tqdm(total=len(indices), desc=Path(name).name, unit="slice", leave=False, disable=hidden)
        for batch in batches:
            varied = [index for index in batch if varies(slices[(..., *index)])]
            constant += len(batch) - len(varied)
            if varied:
                yield varied
            bar.update(len(batch))
        bar.close()
        if constant:
            logger.info("%s: %d of %d slices are constant and were copied.", name, constant, len(indices))

    def _slices_at_once(self, pixels: int) -> int:
        return self.batch_size if self.window is None else max(1, min(self.batch_size, self.window**2 // pixels))

    def _denoise(self, network: Callable[..., Any], noisy: Tensor, told: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Denoise slices ``(B, H, W)``; and, if a level is told or shown, give the network's own estimate of it."""
        if self.noise_level.is_auto and not self.noise_map:
            whole = partial(_call, network, network)
            return predict_without_outliers(partial(_in_windows, whole, network, window=self.window), noisy), None
        estimates: list[Tensor] = []

        def predict(shown: Tensor) -> Tensor:
            seen = shown[None] if told is None else torch.stack([shown, told])
            both = _in_windows(partial(self._at_level, network), network, seen, self.window)
            estimates.append(both[1])
            return both[0]

        return predict_without_outliers(predict, noisy), estimates[0]

    def _at_level(self, network: Callable[..., Any], seen: Tensor) -> Tensor:
        """Denoise slices and estimate their noise level.

        Args:
            network: the network.
            seen: the slices, and the level that is told if there is one, ``(1 or 2, B, H, W)``.

        Returns:
            The denoised slices and the estimate, ``(2, B, H, W)``.
        """
        estimated = _call(network.noise_level, network, seen[0])  # type: ignore[attr-defined]
        if self.noise_level.is_auto:  # to the last bit what it is without a map
            return torch.stack([_call(network, network, seen[0]), estimated])
        level = seen[1] if len(seen) > 1 else self.noise_level.factor * estimated
        return torch.stack([_call(network, network, seen[0], level), estimated])


def predict(inferer: Inferer, image: Tensor, network: Callable[..., Any]) -> dict[str, Tensor]:
    """Take one image to the network and back.

    Args:
        inferer: a ``SlicewiseInferer``, or any other that gives one image.
        image: ``(1, *spatial)`` in network units.
        network: the network.

    Returns:
        The entries of an item: ``pred`` and, if the inferer gives it, the noise-level map as ``noise``; same shape.
    """
    predicted = inferer(image[None], network)
    if isinstance(predicted, Tensor):
        return {"pred": predicted[0]}
    return {"pred": predicted[0][0], "noise": predicted[1][0]}


def _in_windows(
    predict: Callable[[Tensor], Tensor], network: Callable[..., Any], images: Tensor, window: int | None
) -> Tensor:
    """Call ``predict`` on whole images or on windows of them, as the network allows."""
    reach, stride = getattr(network, "reach", None), getattr(network, "stride", None)
    if window is None or reach is None or stride is None:
        return predict(images)
    return predict_in_windows(predict, images, window, reach, stride)


def _call(method: Callable[..., Tensor], network: Callable[..., Any], *images: Tensor) -> Tensor:
    """Take slices ``(B, H, W)`` to the network's device, to one of its methods, and back."""
    parameters = getattr(network, "parameters", tuple)  # a network is any callable, also one without parameters
    device = next((parameter.device for parameter in parameters()), images[0].device)
    moved = [image[:, None].to(device, memory_format=torch.channels_last) for image in images]
    return method(*moved)[:, 0].to(images[0].device)
