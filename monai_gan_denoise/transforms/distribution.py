"""Which noise an image gets in training: laws, levels and parameters for each modality, as data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from torch import Generator, Tensor

from monai_gan_denoise.scans.modality import MODALITIES, known_modality
from monai_gan_denoise.transforms.noise import LAWS

__all__ = ["LOW_DOSE", "DrawnNoise", "NoiseDistribution"]

Parameter = float | int | str

ALL = "all"
ENTRIES = ("level", "share", "second", "spread", "parameters")
LOW_DOSE = "low-dose"
ACQUIRED = (LOW_DOSE,)  # laws that act before there is an image, beside those that take a magnitude
SPREADS = ("square", "log", "uniform")


@dataclass(frozen=True)
class DrawnNoise:
    """A law with the level and the parameters that were drawn for one image.

    Attributes:
        law: a name in ``LAWS``.
        level: within the law's bounds.
        parameters: name and value of every parameter that the law has.
    """

    law: str
    level: float
    parameters: tuple[tuple[str, Parameter], ...] = ()

    def record(self) -> dict[str, Parameter]:
        """Say what was drawn, for metadata."""
        return {"law": self.law, "level": self.level, **dict(self.parameters)}

    def add(self, images: Tensor, level: float | Tensor, rng: Generator) -> Tensor:
        """Add the noise to images that share law and parameters.

        A law of counts or magnitudes has no meaning below 0: it sees 0 there, and the negative part is put back.

        Args:
            images: ``(B, C, H, W)`` in network units; not modified.
            level: a number, or one an image, ``(B, 1, 1, 1)``.
            rng: source of randomness, on the device of ``images``.

        Returns:
            The noisy images, same shape, dtype and device.
        """
        law = LAWS[self.law]
        if not law.nonnegative:
            return law.draw(images, level, rng, **dict(self.parameters))
        return law.draw(images.clamp(min=0), level, rng, **dict(self.parameters)) + images.clamp(max=0)

    def expect(self, images: Tensor, level: float | Tensor, rng: Generator) -> Tensor:
        """Return the mean of what ``add`` returns, given the images: what is to be known of them under the noise.

        Args:
            images: ``(B, C, H, W)`` in network units; not modified.
            level: a number, or one an image, ``(B, 1, 1, 1)``.
            rng: a generator in the state in which ``add`` found its own, so that the map a law draws is the same one.

        Returns:
            The mean images, same shape, dtype and device; ``images`` themselves where the noise has a mean of 0.
        """
        mean = LAWS[self.law].mean
        if mean is None:
            return images
        return mean(images.clamp(min=0), level, rng, **dict(self.parameters)) + images.clamp(max=0)


@dataclass(frozen=True)
class _Entry:
    """A law of the distribution, its numbers checked."""

    law: str
    low: float
    high: float
    share: float
    second: float
    spread: str
    parameters: tuple[tuple[str, tuple[Parameter, ...]], ...]

    def draw(self, random: np.random.RandomState) -> DrawnNoise:
        u = float(random.random_sample())
        if self.spread == "log":
            level = self.low * (self.high / self.low) ** u
        else:
            level = self.low + (self.high - self.low) * (u * u if self.spread == "square" else u)
        chosen = tuple(
            (name, values[random.randint(len(values))] if len(values) > 1 else values[0])
            for name, values in self.parameters
        )
        return DrawnNoise(self.law, min(max(level, self.low), self.high), chosen)


class NoiseDistribution:
    """Draw the noise of an image: none, one law, or one law after another.

    Args:
        laws: for each modality, or "all", its laws by name. What stands under "all" holds for every modality that the
            law suits; an entry under a modality replaces it there. An entry has

            - ``level``: lowest and highest level, or the only one;
            - ``share``: how often the law is drawn, relative to the others (1 if absent);
            - ``second``: the same where a second law is drawn (as ``share`` if absent);
            - ``spread``: "square", ``low + (high - low) u ** 2`` with ``u`` uniform, so that weak noise is common;
              "log", uniform in the exponent; or "uniform". If absent, "log" for laws without a level of 0, such as
              doses and looks, and "square" for the others;
            - ``parameters``: instead of the law's defaults, each a value, or a list of which one is drawn.
        clean: share of images that get no noise.
        second: share of noisy images that get a second law.
        without: names of laws that are left out.

    Raises:
        ValueError: if a modality or law is unknown, a law does not suit its modality, or a number is out of range.
    """

    def __init__(
        self,
        laws: Mapping[str, Mapping[str, Mapping[str, Any]]],
        clean: float = 0.0,
        second: float = 0.0,
        without: Collection[str] = (),
    ) -> None:
        for name, share in (("clean", clean), ("second", second)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {share}. Pass a share of the images.")
        unknown = sorted(set(without) - set(LAWS))
        if unknown:
            raise ValueError(f"without must be among {', '.join(LAWS)}, got {unknown[0]!r}. Correct it.")
        named = {name if name == ALL else known_modality(name): entries for name, entries in laws.items()}
        checked = {
            name: {law: _entry(law, name, values) for law, values in entries.items() if law not in without}
            for name, entries in named.items()
        }
        common = checked.get(ALL, {})
        self.clean, self.second = clean, second
        self._tables: dict[str | None, tuple[_Table, _Table]] = {
            None: _tables(entry for entry in common.values() if len(LAWS[entry.law].modalities) == len(MODALITIES))
        }
        for modality in MODALITIES:
            suited = {law: entry for law, entry in common.items() if modality in LAWS[law].modalities}
            self._tables[modality] = _tables({**suited, **checked.get(modality, {})}.values())

    def draw(self, modality: str | None, random: np.random.RandomState) -> list[DrawnNoise]:
        """Draw for one image.

        Args:
            modality: the image's; None for an image that left its detector's scale, such as a windowed CT, which gets
                what stands under "all" and suits all modalities.
            random: source of randomness.

        Returns:
            The laws, in the order in which they are to be added; none for a clean image.

        Raises:
            ValueError: if the modality is unknown or has no law.
        """
        tables = self._tables[None if modality is None else known_modality(modality)]
        if random.random_sample() < self.clean:
            return []
        count = 2 if random.random_sample() < self.second else 1
        drawn = [table.choose(random, modality).draw(random) for table in tables[:count]]
        return sorted(drawn, key=_comes_later)


@dataclass(frozen=True)
class _Table:
    """Entries and their running sums of shares."""

    entries: tuple[_Entry, ...]
    sums: tuple[float, ...]

    def choose(self, random: np.random.RandomState, modality: str | None) -> _Entry:
        if not self.sums or self.sums[-1] <= 0:
            raise ValueError(f"laws must hold one for {modality or ALL}, got none. Add one, with a positive share.")
        return self.entries[int(np.searchsorted(self.sums, random.random_sample() * self.sums[-1], side="right"))]


def _tables(entries: Iterable[_Entry]) -> tuple[_Table, _Table]:
    """Make the table of the first law and that of the second."""
    listed = tuple(entries)
    return (
        _Table(listed, tuple(accumulate(entry.share for entry in listed))),
        _Table(listed, tuple(accumulate(entry.second for entry in listed))),
    )


def _comes_later(drawn: DrawnNoise) -> bool:
    """Put what happens in the scanner before what happens to its images.

    A magnitude is taken in the scanner too; and its mean is known for an image without noise only.
    """
    return drawn.law not in ACQUIRED and not LAWS[drawn.law].magnitude


def _entry(name: str, modality: str, values: Mapping[str, Any]) -> _Entry:
    if name not in LAWS:
        raise ValueError(f"laws must be among {', '.join(LAWS)}, got {name!r} for {modality}. Remove it.")
    law = LAWS[name]
    where = f"{name} for {modality}"
    if modality != ALL and modality not in law.modalities:
        raise ValueError(f"{name} must be for {', '.join(law.modalities)}, got {modality}. Move or remove it.")
    unknown = sorted(set(values) - set(ENTRIES))
    if unknown:
        raise ValueError(f"entries must have {', '.join(ENTRIES)}, got {unknown[0]!r} in {where}. Remove it.")
    low, high = _bounds(values.get("level"), law.bounds, where)
    spread = values.get("spread", "log" if law.bounds[0] > 0 else "square")
    if spread not in SPREADS:
        raise ValueError(f"spread must be one of {', '.join(SPREADS)}, got {spread!r} in {where}. Choose one.")
    if spread == "log" and low <= 0:
        raise ValueError(f"level must be positive where its spread is log, got {low:g} in {where}. Raise it.")
    share = float(values.get("share", 1.0))
    second = float(values.get("second", share))
    if not min(share, second) >= 0:  # so that NaN is refused too
        raise ValueError(f"share must be at least 0, got {min(share, second):g} in {where}. Pass 0 to leave it out.")
    given = values.get("parameters", {})
    foreign = sorted(set(given) - set(law.parameters))
    if foreign:
        known = ", ".join(law.parameters) or "none"
        raise ValueError(f"parameters must be among {known}, got {foreign[0]!r} in {where}. Remove it.")
    parameters = tuple((key, _choices(value)) for key, value in {**law.parameters, **given}.items())
    return _Entry(name, low, high, share, second, spread, parameters)


def _bounds(level: Any, bounds: tuple[float, float], where: str) -> tuple[float, float]:
    pair = level if isinstance(level, Sequence) and not isinstance(level, str) else (level, level)
    if len(pair) == 2 and all(isinstance(end, int | float) for end in pair):
        low, high = float(pair[0]), float(pair[1])
        if bounds[0] <= low <= high <= bounds[1]:
            return low, high
    raise ValueError(
        f"level must be one number or two from {bounds[0]:g} to {bounds[1]:g}, lowest first, "
        f"got {level} in {where}. Narrow it."
    )


def _choices(value: Any) -> tuple[Parameter, ...]:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
