"""Normal noise whose power spectrum is drawn for every image: smooth, directed, band-passed, or turning in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.draws import chance, log_uniform, uniform
from monai_gan_denoise.transforms.noise.fields import smooth_map

__all__ = ["DEFAULT_SPECTRUM", "RandomSpectrum", "colored_normal"]

MARGIN = 16  # pixels drawn beyond the image, so that opposite borders, which an FFT joins, do not resemble each other
ODD = 9  # sizes of FFTs are odd multiples of this: small factors, and no Nyquist frequency, which has no direction
TURN = (math.pi / 6, math.pi / 2)  # least and largest angle between the two spectra of an image, in radians
BLEND_CELLS = 3  # points along each axis between which one spectrum gives way to the other
BLEND_STEEPNESS = 2.0  # so that most of an image has one spectrum or the other, not their mean


@dataclass(frozen=True)
class RandomSpectrum:
    """What power spectra are drawn from: a Gaussian low-pass along two axes at any angle, times ``f ** exponent``.

    Attributes:
        narrowest: smallest standard deviation of the Gaussian kernel, in pixels, positive; 0.3 is nearly white.
        widest: largest one. The widths along the two axes are independent and uniform in the logarithm.
        isotropic: share of the images whose two widths are equal.
        aligned: share of the images whose axes are rows and columns.
        banded: share of the images whose noise lacks low frequencies, as that of CT kernels does.
        steepest: of these, the largest exponent of the frequency, drawn uniformly; from 0 to 2. Filtered
            back-projection of white projections has 0.5.
        turning: share of the images over which the spectrum turns, as streaks do.

    Raises:
        ValueError: if a number is out of range.
    """

    narrowest: float = 0.3
    widest: float = 2.5
    isotropic: float = 0.3
    aligned: float = 0.4
    banded: float = 0.3
    steepest: float = 1.0
    turning: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what no spectrum can be drawn from."""
        if not 0 < self.narrowest <= self.widest:
            raise ValueError(
                f"narrowest must be positive and at most widest, got {self.narrowest:g} and {self.widest:g}. "
                "Pass widths in pixels, such as 0.3 and 2.5."
            )
        if not 0 <= self.steepest <= 2:
            raise ValueError(f"steepest must be from 0 to 2, got {self.steepest:g}. Pass 0 for no band-pass.")
        for name in ("isotropic", "aligned", "banded", "turning"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {share:g}. Pass a share of the images.")


DEFAULT_SPECTRUM = RandomSpectrum()


def colored_normal(image: Tensor, spectrum: RandomSpectrum, rng: Generator) -> Tensor:
    """Draw normal noise of a random spectrum a slice, of mean 0 and variance 1 at every pixel.

    Where the spectrum turns, two independent fields ``a`` and ``b`` of spectra at different angles are joined,
    ``a cos t(r) + b sin t(r)`` with a smooth random map ``t``, which keeps the variance.

    Args:
        image: ``(..., H, W)``; only its shape, dtype and device count.
        spectrum: what to draw from.
        rng: source of randomness, on the device of ``image``.

    Returns:
        Noise of the shape of ``image``.

    Reference: Riederer et al., "The noise power spectrum in computed X-ray tomography", Phys. Med. Biol. 1978
        (band-passed noise of CT).
    """
    widths = log_uniform(image, spectrum.narrowest, spectrum.widest, rng)
    across = log_uniform(image, spectrum.narrowest, spectrum.widest, rng)
    across = torch.where(chance(image, spectrum.isotropic, rng), widths, across)
    angle = uniform(image, 0.0, math.pi, rng)
    angle = torch.where(chance(image, spectrum.aligned, rng), 0.0, angle)
    banded = chance(image, spectrum.banded, rng)
    exponent = torch.where(banded, uniform(image, 0.0, spectrum.steepest, rng), 0.0)
    turning = chance(image, spectrum.turning, rng).flatten()
    other_angle = angle + uniform(image, *TURN, rng)
    planes = image.reshape(-1, *image.shape[-2:])
    field = _filtered(planes, (widths, across), angle, exponent, rng)
    if bool(turning.any()):
        some = (widths[turning], across[turning])
        other = _filtered(planes[turning], some, other_angle[turning], exponent[turning], rng)
        blend = smooth_map(other, BLEND_CELLS, rng).mul_(BLEND_STEEPNESS).tanh_().add_(1).mul_(math.pi / 4)
        field[turning] = field[turning] * blend.cos() + other * blend.sin()
    return field.reshape(image.shape)


def _filtered(planes: Tensor, widths: tuple[Tensor, Tensor], angle: Tensor, exponent: Tensor, rng: Generator) -> Tensor:
    """Filter white noise ``(N, H, W)``, in Fourier space, by a filter a plane, divided by the root of its power."""
    height, width = planes.shape[-2:]
    rows, columns = _odd_size(height), _odd_size(width)
    white = torch.randn((len(planes), rows, columns), generator=rng, dtype=planes.dtype, device=planes.device)
    response = _response((rows, columns), widths, angle, exponent)
    power = response.square().sum(-2)  # of the left half; each frequency but the first column stands for two
    mean_power = (2 * power.sum(-1) - power[:, 0])[:, None, None] / (rows * columns)
    spectra = torch.fft.rfft2(white).mul_(response.mul_(mean_power.rsqrt()))
    field: Tensor = torch.fft.irfft2(spectra, s=(rows, columns))
    return field[:, :height, :width].contiguous()


def _response(size: tuple[int, int], widths: tuple[Tensor, Tensor], angle: Tensor, exponent: Tensor) -> Tensor:
    """Compute ``f ** exponent exp(-2 pi^2 (s1^2 u^2 + s2^2 v^2))``, u and v the frequencies along the turned axes."""
    rows = torch.fft.fftfreq(size[0], dtype=angle.dtype, device=angle.device)[:, None]
    columns = torch.fft.rfftfreq(size[1], dtype=angle.dtype, device=angle.device)
    sine, cosine = angle.sin(), angle.cos()
    first, second = (-2 * math.pi**2 * width.square() for width in widths)
    form = (first * cosine.square() + second * sine.square()) * rows.square()
    form = form + (first * sine.square() + second * cosine.square()) * columns.square()
    form += (2 * (first - second) * sine * cosine) * (rows * columns)
    response: Tensor = form.exp_()
    banded = exponent.flatten() > 0
    if bool(banded.any()):
        frequency = torch.hypot(rows.expand(size[0], len(columns)), columns)
        response[banded] *= frequency ** exponent[banded]
    return response


def _odd_size(length: int) -> int:
    parts = math.ceil((length + MARGIN) / ODD)
    return ODD * (parts + 1 - parts % 2)
