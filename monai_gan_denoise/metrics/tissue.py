"""Whether a denoiser shifts the HU of a tissue, which PSNR and SSIM hardly show and a reader measures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["TISSUES", "tissue_bias"]

# HU. Fat and muscle as in body composition (Mitsiopoulos et al., J. Appl. Physiol. 1998), muscle standing for soft
# tissue; bone as segmented by Mimics' preset, 226 to 3071; lung chosen, without the air of its bronchi.
TISSUES: Mapping[str, tuple[float, float]] = {
    "lung": (-950.0, -500.0),
    "fat": (-190.0, -30.0),
    "soft_tissue": (-29.0, 150.0),
    "bone": (226.0, 3071.0),
}
EROSION = 3  # pixels, so that a blurred border does not count as a bias of what lies beside it


def tissue_bias(clean_hu: npt.NDArray[np.floating], output_hu: npt.NDArray[np.floating]) -> dict[str, float]:
    """Average the error within each tissue.

    Tissues are where the clean CT lies within their bounds, eroded in the plane by a disc of 3 pixels, from the image's
    border too. Whatever else lies there counts as well, such as gas of the bowel as lung.

    Args:
        clean_hu: ``(H, W)`` in HU, or slices ``(N, H, W)``.
        output_hu: same shape, in HU.

    Returns:
        Mean of ``output - clean`` in HU, of the tissues that are there.
    """
    from scipy.ndimage import binary_erosion
    from skimage.morphology import disk

    footprint = disk(EROSION)[(None,) * (clean_hu.ndim - 2)]
    bias = {}
    for tissue, (low, high) in TISSUES.items():
        mask = binary_erosion((clean_hu >= low) & (clean_hu <= high), footprint)
        if mask.any():
            bias[tissue] = float(np.mean(output_hu[mask].astype(np.float64) - clean_hu[mask]))
    return bias
