"""Series of volumes that are larger than the memory: one volume after the other through the same pipeline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, SaveImaged
from tqdm import tqdm

from monai_gan_denoise.io import VolumeSeries

__all__ = ["before_saving", "denoise_by_volume", "saving"]

Item = dict[str, Any]
Step = Callable[[Item], Item]

RESULTS = {"removed", "noise"}  # what becomes files


def denoise_by_volume(item: Item, load: Step, predict: Step, undo: Step, progress: bool) -> Item:
    """Denoise a series, of which one volume at a time is in memory.

    What is removed from the volumes waits in files without a name beside the output: a disk is larger than a memory,
    and only when all of it is known does the header of the result say so.

    Args:
        item: with the ``series``, and the ``outputs`` that it becomes.
        load: the preprocessing.
        predict: adds ``pred``.
        undo: the postprocessing up to where it saves, which leaves ``removed`` and, where it is wanted, ``noise``.
        progress: show a progress bar.

    Returns:
        The item with ``removed`` and ``noise``, ``(1, X, Y, Z, ...)``, whose memory is a file each.
    """
    series: VolumeSeries = item["series"]
    folder = Path(item["outputs"][0]).parent
    folder.mkdir(parents=True, exist_ok=True)
    meta: dict[str, dict[str, Any]] = {}
    with ExitStack() as held:
        spools: dict[str, IO[bytes]] = {}
        hidden = None if progress else True  # None: no bar where there is no terminal to redraw it on
        for volume in tqdm(series, desc=series.path.name, unit="volume", leave=False, disable=hidden):
            done = undo(predict(load({**item, "image": [volume]})))
            for key in RESULTS & done.keys():
                meta[key] = done[key].meta
                if key not in spools:
                    spools[key] = held.enter_context(TemporaryFile(dir=folder))
                spools[key].write(np.ascontiguousarray(done[key].numpy()[0].T).data)
        for spool in spools.values():
            spool.flush()
        mapped = {key: MetaTensor(_mapped(spool, series.shape), meta=meta[key]) for key, spool in spools.items()}
        return {**item, **mapped}


def before_saving(chain: Step) -> Step:
    """Give the part of a postprocessing that works in memory."""
    return Compose([step for step in _steps(chain) if not isinstance(step, SaveImaged)])


def saving(chain: Step) -> Step:
    """Give the part of a postprocessing that writes."""
    return Compose([step for step in _steps(chain) if isinstance(step, SaveImaged)])


def _steps(chain: Step) -> tuple[Step, ...]:
    return tuple(chain.transforms) if isinstance(chain, Compose) else (chain,)


def _mapped(spool: IO[bytes], shape: tuple[int, ...]) -> torch.Tensor:
    """See a file as float32, ``(1, X, Y, Z, ...)``; it stays for as long as it is seen."""
    # A private mapping, as torch takes no memory that cannot be written to.
    values = np.memmap(spool, np.float32, mode="c", shape=shape, order="F")
    return torch.as_tensor(values)[None]
