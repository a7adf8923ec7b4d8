"""Speckle averaged over looks: correlated complex echoes whose point-spread function widens with depth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.draws import log_uniform

__all__ = ["SUMMED", "PointSpread", "average_looks", "check_width", "drawn_width"]

SUMMED = 4  # looks that are summed one by one; more of them are nearly normal, and are drawn at once
MARGIN = 12  # pixels drawn beyond the image, so that opposite borders, which an FFT joins, do not resemble each other
ROUND = 16  # sizes of FFTs are multiples of this


@dataclass(frozen=True)
class PointSpread:
    """Gaussian point-spread functions, one a slice.

    Attributes:
        axial: standard deviations along rows' index, depth, in pixels, ``(N, 1, 1)``.
        lateral: the same along columns' index, in the first row.
        widening: factor on ``lateral`` in the last row; between them it grows evenly.
    """

    axial: Tensor
    lateral: Tensor
    widening: Tensor

    def lateral_at(self, rows: Tensor) -> Tensor:
        """Compute the lateral widths, ``(N, R, 1)``, at depths ``(R, 1)`` from 0, the first row, to 1, the last."""
        return self.lateral * (1 + (self.widening - 1) * rows)


def average_looks(
    size: tuple[int, int], looks: Tensor, spread: PointSpread, rng: Generator, amplitude: Tensor | None = None
) -> Tensor:
    """Draw the mean intensity over looks, of mean 1 and variance ``1 / looks``.

    Up to 4 looks are a weighted sum of intensities of independent complex fields: equal weights where ``looks`` is
    whole, and else a last one that is smaller, as partly correlated looks have. More are drawn at once, a correlated
    normal field transformed to the gamma law, nearly exact here.

    Args:
        size: height and width.
        looks: independent looks, at least 1, not necessarily whole, ``(N, 1, 1)``.
        spread: point-spread functions.
        rng: source of randomness, on the device of ``looks``.
        amplitude: where true, ``(N, 1, 1)``, and at most 4 looks, which must be whole then, the square of the mean
            amplitude is drawn in place of the mean intensity; its mean is not 1. With more looks the two are alike.

    Returns:
        Intensities, ``(N, H, W)``.

    Reference: Goodman, "Speckle phenomena in optics", 2007, chapters 3.3 and 4.6 (sums of speckle intensities); Wilson
        & Hilferty, "The distribution of chi-square", PNAS 1931 (gamma law as a cube of a normal one).
    """
    mean = looks.new_zeros((len(looks), *size))
    count = looks.ceil()
    few = (count <= SUMMED).flatten()
    rooted = torch.zeros_like(few) if amplitude is None else few & amplitude.flatten()
    # The covariance of a complex field's intensity is that of a real field of narrower point spread.
    filters = _filters(size, spread, torch.where(count <= SUMMED, 1.0, math.sqrt(0.5)))
    for part in range(SUMMED):
        chosen = few & (part < count).flatten()
        if not bool(chosen.any()):
            break
        field = _field(size, filters, chosen, rng)
        intensity = torch.view_as_real(field * field.conj())[..., 0]
        summed = torch.where(rooted[chosen, None, None], intensity.sqrt(), intensity) if rooted.any() else intensity
        mean[chosen] += _weight(looks[chosen], part) * summed
    if bool(rooted.any()):
        mean[rooted] = mean[rooted].square()
    if not bool(few.all()):
        normal = _field(size, filters, ~few, rng).real * math.sqrt(2)
        spared = 1 / (9 * looks[~few])
        mean[~few] = (1 - spared + spared.sqrt() * normal).clamp_(min=0) ** 3
    return mean


def check_width(name: str, width: float) -> None:
    """Raise a ValueError if a width of a point-spread function, named ``name``, is negative."""
    if not width >= 0:
        raise ValueError(f"{name} must be at least 0, got {width:g}. Pass 0 to draw it at random.")


def drawn_width(image: Tensor, width: float, bounds: tuple[float, float], rng: Generator) -> Tensor:
    """Draw a width a slice, ``(N, 1, 1)``, uniform in the logarithm between bounds; or take the one given, not 0."""
    drawn = log_uniform(image, *bounds, rng)
    return drawn.fill_(width) if width else drawn


def _weight(looks: Tensor, part: int) -> Tensor:
    """Compute the weight of a look, so that all sum to 1 and their squares to ``1 / looks``."""
    count = looks.ceil()
    others = (count - 1).clamp(min=1)
    root = (1 - count * (1 - 1 / looks) / others).clamp_(min=0).sqrt()
    equal = torch.where(count == 1, 1.0, (1 + root) / count)
    return torch.where(count == part + 1, 1 - (count - 1) * equal, equal)


def _filters(size: tuple[int, int], spread: PointSpread, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the transfer functions along depth, ``(N, R, 1)``, and across it, ``(N, H, C)``: each row has its own."""
    height, _ = size
    rows, columns = (
        torch.fft.fftfreq(ROUND * math.ceil((length + MARGIN) / ROUND), dtype=scale.dtype, device=scale.device)
        for length in size
    )
    depths = torch.linspace(0, 1, height, dtype=scale.dtype, device=scale.device)[:, None]
    axial = _unit_power(scale * spread.axial * rows[:, None], -2)
    return axial, _unit_power(scale * spread.lateral_at(depths) * columns, -1)


def _unit_power(scaled: Tensor, axis: int) -> Tensor:
    """Compute a Gaussian's transfer function at frequencies times its width, of mean power 1 along an axis."""
    response = scaled.square_().mul_(-2 * math.pi**2).exp_()
    return response.div_(response.square().mean(axis, keepdim=True).sqrt())


def _field(size: tuple[int, int], filters: tuple[Tensor, Tensor], chosen: Tensor, rng: Generator) -> Tensor:
    """Draw filtered complex normal noise, of mean square 1 at every pixel, for some slices."""
    height, width = size
    axial, lateral = (one[chosen] for one in filters)
    shape = (len(axial), axial.shape[-2], lateral.shape[-1])
    spectra = torch.randn(shape, generator=rng, dtype=axial.dtype.to_complex(), device=axial.device)
    echoes = torch.fft.ifft(spectra.mul_(axial), dim=-2, norm="ortho")[:, :height]
    field: Tensor = torch.fft.ifft(echoes * lateral, norm="ortho")[..., :width]
    return field
