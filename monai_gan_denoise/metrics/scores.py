"""How close an output comes to its reference, by scikit-image, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Score", "pooled_score", "require_scikit_image", "score"]


class Score(NamedTuple):
    """Measures of one image.

    Attributes:
        psnr: peak signal-to-noise ratio in dB; infinite for equal images.
        ssim: structural similarity, ``skimage.metrics.structural_similarity`` with its defaults.
        mse: mean squared error, in units of the range squared.
        rmse: its root, in units of the range.
    """

    psnr: float
    ssim: float
    mse: float
    rmse: float


def score(
    reference: npt.NDArray[np.floating], output: npt.NDArray[np.floating], lower: float = 0.0, upper: float = 1.0
) -> Score:
    """Compare two images over a range.

    Both are limited to the range and counted from its lower end in units of its width.

    Args:
        reference: ``(H, W)``, at least 7 pixels each way.
        output: same shape.
        lower: end of the range, in the units of the images.
        upper: the other end.
    """
    from skimage.metrics import mean_squared_error, structural_similarity

    images = (np.clip(np.asarray(image, float), lower, upper) for image in (reference, output))
    clean, result = ((image - lower) / (upper - lower) for image in images)
    mse = float(mean_squared_error(clean, result))
    ssim = float(structural_similarity(clean, result, data_range=1.0))
    return _score(mse, ssim)


def pooled_score(scores: Iterable[Score]) -> Score:
    """Give the score of a volume from those of its slices, which have one size and were scored over one range.

    PSNR, MSE and RMSE are those of all its voxels together; SSIM is the mean over the slices.

    Args:
        scores: one or more.
    """
    errors, similarities = zip(*((one.mse, one.ssim) for one in scores), strict=True)
    return _score(float(np.mean(errors)), float(np.mean(similarities)))


def require_scikit_image() -> None:
    """Refuse to start without what measures.

    Raises:
        ValueError: if scikit-image is not installed.
    """
    if find_spec("skimage") is None:
        raise ValueError(
            "scikit-image must be installed to measure, got none. Run pip install 'monai-gan-denoise[bench]'."
        )


def _score(mse: float, ssim: float) -> Score:
    return Score(-10 * math.log10(mse) if mse else math.inf, ssim, mse, math.sqrt(mse))
