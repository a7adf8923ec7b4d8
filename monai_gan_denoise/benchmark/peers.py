"""What a user would pick instead: denoisers of well-kept libraries. A new peer is one entry of ``PEERS``.

Each has one number that says how much to remove. *Blind*, it is set without knowing the noise: fixed, or a factor of
the level that scikit-image estimates from the image. *Oracle*, it is the setting of highest PSNR out of the blind one
and a grid, whose factors are of the true level: what nobody has in practice, and the most that the method can give.

BM4D is measured only where it is named: it groups cubes of a volume, and on the protocol's single slices it takes three
times as long as BM3D and comes out lower (a head phantom of 256 x 256, Gaussian noise of 0.1: 35.8 dB against 36.4 dB).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PEERS", "Peer", "estimate_level"]

ALL = ("ct", "mr", "xr", "us", "oct")
LOWEST_LEVEL = 1e-3  # of the range; where the estimate is less, as on a phantom, filters would divide by zero
TWELVE_BITS = 4095  # what scanners write; the smallest variance that ANTs counts as noise, 1e-5, is absolute

Image = npt.NDArray[Any]


@dataclass(frozen=True)
class Peer:
    """A denoiser and its settings.

    Attributes:
        name: in tables and for ``--methods``.
        module: what it is imported from.
        package: what installs that.
        denoise: of an image ``(H, W)`` in network units and the setting.
        blind: the setting without knowledge of the noise.
        grid: the settings among which the oracle chooses, besides the blind one.
        scaled: whether the settings are factors of the level of noise.
        modalities: those it is meant for.
        asked: whether it is measured only where it is named.
    """

    name: str
    module: str
    package: str
    denoise: Callable[[Image, float], Image]
    blind: float
    grid: tuple[float, ...]
    scaled: bool = True
    modalities: Sequence[str] = ALL
    asked: bool = False

    @property
    def absent(self) -> str:
        """Why the peer cannot run, or nothing."""
        if find_spec(self.module) is not None:
            return ""
        return f"{self.package} is not installed: pip install 'monai-gan-denoise[bench]'"

    @property
    def fingerprint(self) -> str:
        """What its outputs depend on besides the image."""
        return f"{self.name} {self.package} {version(self.package)} {self.blind} {self.grid}"

    def settings(self, noisy: Image, level: float) -> tuple[float, list[float]]:
        """Find the blind setting and those of the oracle's grid.

        Args:
            noisy: the image.
            level: the true level of its noise, a standard deviation in network units.
        """
        if not self.scaled:
            return self.blind, list(self.grid)
        return self.blind * estimate_level(noisy), [factor * max(level, LOWEST_LEVEL) for factor in self.grid]


def estimate_level(noisy: Image) -> float:
    """Estimate the standard deviation of white noise from the finest wavelet coefficients.

    Reference: Donoho & Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994, sect. 4.2.
    """
    from skimage.restoration import estimate_sigma

    return max(float(estimate_sigma(noisy)), LOWEST_LEVEL)


def _median(image: Image, side: float) -> Image:
    from skimage.filters import median

    return np.asarray(median(image, np.ones((int(side), int(side)))))


def _gaussian(image: Image, pixels: float) -> Image:
    from skimage.filters import gaussian

    return np.asarray(gaussian(image, pixels))


def _bilateral(image: Image, level: float) -> Image:
    from skimage.restoration import denoise_bilateral

    lowest = image.min()  # it weighs differences up to the maximum only, as of images without negative values
    filtered = denoise_bilateral(image - lowest, win_size=5, sigma_color=level, sigma_spatial=1.5, mode="edge")
    return np.asarray(filtered + lowest)


def _total_variation(image: Image, weight: float) -> Image:
    from skimage.restoration import denoise_tv_chambolle

    return np.asarray(denoise_tv_chambolle(image, weight))


def _wavelet(image: Image, level: float) -> Image:
    from skimage.restoration import denoise_wavelet

    return np.asarray(denoise_wavelet(image, sigma=level, rescale_sigma=True))


def _non_local_means(image: Image, level: float) -> Image:
    from skimage.restoration import denoise_nl_means

    # 0.8 is what scikit-image's documentation advises for the fast mode.
    return np.asarray(denoise_nl_means(image, patch_size=5, patch_distance=6, h=0.8 * level, sigma=level))


def _curvature_diffusion(image: Image, iterations: float) -> Image:
    import SimpleITK

    noisy = SimpleITK.GetImageFromArray(image)
    filtered = SimpleITK.CurvatureAnisotropicDiffusion(noisy, numberOfIterations=int(iterations))
    return np.asarray(SimpleITK.GetArrayFromImage(filtered))


def _rician_non_local_means(image: Image, level: float) -> Image:
    from dipy.denoise.nlmeans import nlmeans

    # Of a single layer dipy 1.12 gives other values at every call: its patch of 3 x 3 x 3 reads beyond the array.
    layers = np.repeat(image[..., None], 3, axis=2)
    return np.asarray(nlmeans(layers, level, rician=True, num_threads=1)[..., 1])


def _ants(noise_model: str) -> Callable[[Image, float], Image]:
    def denoise(image: Image, radius: float) -> Image:
        import ants

        scaled = ants.from_numpy(image * TWELVE_BITS)
        return np.asarray(ants.denoise_image(scaled, r=int(radius), noise_model=noise_model).numpy() / TWELVE_BITS)

    return denoise


def _bm3d(image: Image, level: float) -> Image:
    from bm3d import BM3DProfile, bm3d

    profile = BM3DProfile()  # that of its default, "np"
    profile.num_threads = 1  # with more, "slightly different results each application", it says
    return np.asarray(bm3d(image, level, profile))


def _bm4d(image: Image, level: float) -> Image:
    from bm4d import BM4DProfile2D, bm4d

    profile = BM4DProfile2D()
    profile.num_threads = 1  # as for BM3D
    return np.asarray(bm4d(image[..., None], level, profile)[..., 0])


SKIMAGE = ("skimage", "scikit-image")
PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("median", *SKIMAGE, _median, 3, (3, 5, 7), scaled=False),
        Peer("gaussian", *SKIMAGE, _gaussian, 1, (0.5, 1, 1.5, 2, 3), scaled=False),
        Peer("bilateral", *SKIMAGE, _bilateral, 2, (1, 2, 4)),
        Peer("tv", *SKIMAGE, _total_variation, 1, (0.5, 1, 1.5, 2)),
        Peer("wavelet", *SKIMAGE, _wavelet, 1, (0.5, 1, 1.5, 2)),
        Peer("nlm", *SKIMAGE, _non_local_means, 1, (0.5, 0.75, 1, 1.5)),
        Peer("curvature", "SimpleITK", "SimpleITK", _curvature_diffusion, 5, (2, 5, 10, 20), scaled=False),
        Peer("rician-nlm", "dipy", "dipy", _rician_non_local_means, 1, (0.5, 1, 1.5), modalities=("mr",)),
        Peer("ants", "ants", "antspyx", _ants("Gaussian"), 2, (1, 2, 3), scaled=False),
        Peer("ants-rician", "ants", "antspyx", _ants("Rician"), 2, (1, 2, 3), scaled=False, modalities=("mr",)),
        Peer("bm3d", "bm3d", "bm3d", _bm3d, 1, (1,)),
        Peer("bm4d", "bm4d", "bm4d", _bm4d, 1, (1,), asked=True),
    )
}
