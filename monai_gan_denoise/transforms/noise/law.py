"""What there is to know of a law of noise, beside its equation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Generator, Tensor

__all__ = ["Law"]


@dataclass(frozen=True)
class Law:
    """A law of noise as the command line, the transforms and the page of laws know it.

    Attributes:
        name: as users write it.
        draw: ``draw(images, level, rng, **parameters)``: noisy images of the shape of ``images``, ``(B, C, H, W)`` in
            network units (0 is the range's lower end, 1 its upper). ``level`` is a number, or a tensor of one level an
            image, ``(B, 1, 1, 1)``. Nothing is clipped, ``images`` is not modified.
        modalities: those whose detectors have this noise; of ct, mr, xr, us, oct.
        meaning: what the level is, a phrase.
        bounds: lowest and highest level.
        examples: three levels, weak to strong.
        parameters: every other argument of ``draw`` and its default.
        nonnegative: whether the law has no meaning for intensities below 0.
        magnitude: whether it takes a magnitude, which lifts the mean near 0, a bias that only the zero gives away.
        shown: whether the law is one of pictures, whose 0 is black and whose 1 is white, and not of signals, whose 0 is
            that of the detector.
        mean: ``mean(images, level, rng, **parameters)``, of a law whose noise shifts the mean: the expectation of the
            noisy images given the clean ones and whatever map ``draw`` draws first; ``rng`` is in the state in which
            ``draw`` finds it. None where the noise has a mean of 0.
        check: of a law that works in Hounsfield units: raises a ValueError for values, in HU, that cannot be such.
    """

    name: str
    draw: Callable[..., Tensor]
    modalities: Sequence[str]
    meaning: str
    bounds: tuple[float, float]
    examples: tuple[float, float, float]
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    nonnegative: bool = False
    magnitude: bool = False
    shown: bool = False
    check: Callable[[Tensor], None] | None = None
    mean: Callable[..., Tensor] | None = None

    def __call__(self, image: Tensor, level: float, rng: Generator, **parameters: float | int | str) -> Tensor:
        """Add the noise to one image or volume.

        Args:
            image: ``(C, H, W)``, or ``(C, H, W, D)`` each ``[..., i]`` a slice; in network units; not modified.
            level: within ``bounds``.
            rng: source of randomness, on the device of ``image``.
            **parameters: instead of the defaults.

        Returns:
            The noisy image, same shape, dtype and device.

        Raises:
            ValueError: if the level, the shape or a parameter is not one the law has.
        """
        self.check_settings(level, parameters)
        if image.dim() not in (3, 4):
            raise ValueError(f"image must be (C, H, W) or (C, H, W, D), got shape {tuple(image.shape)}. Reshape it.")
        slices = image[None] if image.dim() == 3 else image.movedim(-1, 0)
        noisy = self.draw(slices, level, rng, **{**self.parameters, **parameters})
        return noisy[0] if image.dim() == 3 else noisy.movedim(0, -1)

    def check_settings(self, level: float, parameters: Iterable[str] = ()) -> None:
        """Refuse settings before an image is at hand.

        Args:
            level: the level.
            parameters: names of parameters.

        Raises:
            ValueError: if the level is not within ``bounds``, or a parameter is not one the law has.
        """
        if not self.bounds[0] <= level <= self.bounds[1]:  # so that NaN is refused too
            low, high = self.bounds
            raise ValueError(
                f"level must be from {low:g} to {high:g} for {self.name}, got {level:g}. It is {self.meaning}."
            )
        unknown = sorted(set(parameters) - set(self.parameters))
        if unknown:
            known = ", ".join(self.parameters) or "none"
            raise ValueError(f"parameters of {self.name} must be among {known}, got {unknown[0]!r}. Remove it.")
