"""CT of sharp kernels, told by the noise that it holds itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.utils import ensure_tuple

from monai_gan_denoise.io.content import LEAVES_KEY, PHOTOGRAPH_KEY
from monai_gan_denoise.io.reader import read_scan
from monai_gan_denoise.scans.slices import middle_slice

__all__ = ["SHARP_KEY", "mark_sharp"]

SHARP_KEY = "sharp"  # item that tells whether a CT holds strong noise of a fine grain
SHARP_DEVIATION = 20.0  # HU; of the project's 76 training slices in HU, six are at 24 to 41 and no other is above 17
GAUSSIAN_MEDIAN = 0.6745  # of the absolute value, where the standard deviation is 1


def mark_sharp(datalist: Sequence[Mapping[str, Any]], deviation: float = SHARP_DEVIATION) -> list[dict[str, Any]]:
    """Mark the CT in HU whose own noise has a finer grain, and is stronger, than soft-tissue kernels leave.

    What a sharp kernel leaves in a clean slice looks much like noise that was added. A network that is shown few of
    these slices removes it, and some of the bone's detail with it: ``balance`` draws them more often, ``RandWindowd``
    leaves them in HU, as in the gray levels of a narrow window such noise is what users want to be rid of.

    Args:
        datalist: items with ``label`` (a path, or those of a series) and ``modality``; pairs, drawn images and
            photographs are never marked.
        deviation: standard deviation of the noise, in HU, from which on a CT counts as sharp; of the middle slice.

    Returns:
        The items, in their order; ``sharp`` is true in those that are, and missing in all others.

    Raises:
        InputError: if a CT cannot be read.
    """
    return [{**item, SHARP_KEY: True} if _is_sharp(item, deviation) else dict(item) for item in datalist]


def _is_sharp(item: Mapping[str, Any], deviation: float) -> bool:
    if item["modality"] != "ct" or any(key in item for key in ("image", LEAVES_KEY, PHOTOGRAPH_KEY)):
        return False
    scan = read_scan([Path(file) for file in ensure_tuple(item["label"])])
    if scan.bit_range is not None:  # gray levels, and no HU
        return False
    return _fine_deviation(middle_slice(scan.values, scan.slice_axis)) >= deviation


def _fine_deviation(image: npt.NDArray[np.float32]) -> float:
    """Estimate the deviation of white noise from second differences along both axes.

    Left out is where the image is darkest: in air, which scanners cut off, no noise is seen.

    Reference: Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding 64(2), 1996; with
    the median in place of the mean, which edges do not move.
    """
    differences = np.abs(np.diff(np.diff(image, 2, axis=0), 2, axis=1))
    seen = image[1:-1, 1:-1] > image.min()
    return float(np.median(differences[seen]) / GAUSSIAN_MEDIAN / 6) if seen.any() else 0.0
