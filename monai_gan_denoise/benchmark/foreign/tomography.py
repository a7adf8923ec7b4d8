"""CT of few photons by scikit-image's Radon transform: streaks along dense paths, by filters of another projector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["FILTERS", "add_radon_noise"]

FILTERS = ("ramp", "shepp-logan", "cosine", "hamming")
WATER = 0.0195  # attenuation per mm, of water at 70 keV (NIST)
LOWEST, WIDTH = -1024.0, 3000.0  # HU at 0, and between 0 and 1, in network units

Image = npt.NDArray[np.float64]


def add_radon_noise(
    image: Image,
    photons: float,
    rng: np.random.Generator,
    filter: str = "shepp-logan",
    views: int = 360,
    spacing: float = 1.4,
) -> Image:
    """Count photons behind a CT slice in a parallel beam, and add what the noise alone reconstructs to.

    ``y ~ Poisson(photons exp(-p))``; ``p' - p`` with ``p' = -log(max(y, 1) / photons)`` is reconstructed by filtered
    back-projection, which is linear, so that the clean slice stays the exact reference. What few photons pass, as
    through both shoulders, is noisier: streaks. The detector has an element a pixel.

    Args:
        image: ``(H, W)`` in network units, of HU; not modified.
        photons: a ray without a body, positive.
        rng: source of randomness.
        filter: one of ``FILTERS``, by which scikit-image apodizes the ramp.
        views: evenly over half a rotation.
        spacing: side of a pixel in mm.

    Returns:
        The noisy slice; its mean is the clean one, but where rays count hardly a photon.

    Raises:
        ValueError: if ``filter`` is none of these.

    Reference: Kak & Slaney, "Principles of Computerized Tomographic Imaging", 1988; van der Walt et al.,
        "scikit-image", PeerJ 2014.
    """
    from skimage.transform import iradon, radon

    if filter not in FILTERS:
        raise ValueError(f"filter must be one of {', '.join(FILTERS)}, got {filter!r}. Choose one.")
    side = max(image.shape)
    before = [(side - size) // 2 for size in image.shape]
    hounsfield = np.full((side, side), LOWEST)
    inside = tuple(slice(start, start + size) for start, size in zip(before, image.shape, strict=True))
    hounsfield[inside] = LOWEST + WIDTH * image
    attenuation = WATER * spacing * np.clip(1 + hounsfield / 1000, 0, None)  # of a pixel's side
    angles = np.linspace(0, 180, views, endpoint=False)
    paths = radon(attenuation, angles, circle=False)
    counts = rng.poisson(photons * np.exp(-paths))
    difference = -np.log(np.maximum(counts, 1) / photons) - paths
    noise = iradon(difference, angles, output_size=side, filter_name=filter, circle=False)
    return np.asarray(image + noise[inside] * 1000 / (WATER * spacing * WIDTH))
