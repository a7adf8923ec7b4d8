"""How images reach the network: all stages at once in training, slice by slice in inference."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from torch import Tensor
from tqdm import tqdm

from monai_gan_denoise.engines.outliers import predict_without_outliers
from monai_gan_denoise.engines.tiles import predict_in_windows

__all__ = ["SlicewiseInferer", "StagesInferer"]

logger = logging.getLogger(__name__)

BFLOAT16_ERROR = 0.05  # of what is removed; rounding to 8 bits in a dozen layers costs about 0.01
THIRD_AXIS = 2  # the slice axis of an array that says nothing about itself


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

    Raises:
        ValueError: if ``batch_size`` is not positive.
    """

    def __init__(self, batch_size: int, progress: bool = True, window: int | None = None) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}. Pass a number of slices.")
        self.batch_size = batch_size
        self.progress = progress
        self.window = window

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *_: Any, **__: Any) -> Tensor:
        """Denoise ``inputs``, ``(1, 1, *spatial)`` in network units with two spatial axes or more.

        Returns:
            Same shape, on the device and with the metadata of ``inputs``.
        """
        meta: dict[str, Any] = inputs.meta if isinstance(inputs, MetaTensor) else {}
        volume = inputs.as_tensor()[0, 0] if isinstance(inputs, MetaTensor) else inputs[0, 0]
        denoised = volume.clone()
        name = str(meta.get("filename_or_obj", "the array"))
        slices, results = (_slices(each, meta.get("slice_axis")) for each in (volume, denoised))
        indices = list(np.ndindex(*slices.shape[2:]))
        count = self._slices_at_once(slices.shape[0] * slices.shape[1])
        batches = [indices[start : start + count] for start in range(0, len(indices), count)]
        constant = 0
        # None: no bar where there is no terminal to redraw it on.
        hidden = None if self.progress and len(batches) > 1 else True
        bar = tqdm(total=len(indices), desc=Path(name).name, unit="slice", leave=False, disable=hidden)
        for batch in batches:
            varied = [index for index in batch if _varies(slices[(..., *index)])]
            constant += len(batch) - len(varied)
            if varied:
                noisy = torch.stack([slices[(..., *index)] for index in varied])
                predicted = predict_without_outliers(partial(_predict, network, window=self.window), noisy)
                for index, result in zip(varied, predicted, strict=True):
                    results[(..., *index)].copy_(result)
            bar.update(len(batch))
        bar.close()
        if constant:
            logger.info("%s: %d of %d slices are constant and were copied.", name, constant, len(indices))
        return MetaTensor(denoised[None, None], meta=meta) if meta else denoised[None, None]

    def _slices_at_once(self, pixels: int) -> int:
        return self.batch_size if self.window is None else max(1, min(self.batch_size, self.window**2 // pixels))


def _slices(volume: Tensor, slice_axis: int | None) -> Tensor:
    """View a volume as ``(H, W, slices, ...)``."""
    if volume.dim() == 2:
        return volume[..., None]
    return volume.movedim(THIRD_AXIS if slice_axis is None else slice_axis, THIRD_AXIS)


def _varies(image: Tensor) -> bool:
    return bool(image.amin() != image.amax())


def _predict(network: Callable[..., Any], noisy: Tensor, *, window: int | None) -> Tensor:
    reach, stride = getattr(network, "reach", None), getattr(network, "stride", None)
    if window is None or reach is None or stride is None:
        return _predict_whole(network, noisy)
    return predict_in_windows(partial(_predict_whole, network), noisy, window, reach, stride)


def _predict_whole(network: Callable[..., Any], noisy: Tensor) -> Tensor:
    parameters = getattr(network, "parameters", tuple)  # a network is any callable, also one without parameters
    device = next((parameter.device for parameter in parameters()), noisy.device)
    prediction: Tensor = network(noisy[:, None].to(device, memory_format=torch.channels_last))
    return prediction[:, 0].to(noisy.device)
