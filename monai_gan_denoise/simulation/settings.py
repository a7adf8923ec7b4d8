"""What is simulated: a law, its level, its parameters and the seed, checked before any image is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from torch import Generator

from monai_gan_denoise import __version__
from monai_gan_denoise.scans.scan import Derivation
from monai_gan_denoise.transforms.noise import LAWS, Law

__all__ = ["Simulation"]

SEED_BYTES = 7  # of the digest; torch takes seeds of 8, with a sign
Parameter = float | int | str


@dataclass(frozen=True)
class Simulation:
    """A law of noise and all that its draws depend on, besides the image and its name.

    Attributes:
        noise: the law's name.
        level: within the law's bounds.
        seed: of all draws.
        parameters: of the law, instead of its defaults.

    Raises:
        ValueError: if there is no such law, or it has no such level or parameter.
    """

    noise: str
    level: float
    seed: int = 0
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        self.law.check_settings(self.level, self.parameters)

    @classmethod
    def parse(cls, noise: str, level: float, seed: int = 0, settings: Sequence[str] = ()) -> Simulation:
        """Take parameters as the command line does, each ``NAME=VALUE``, of the type that the law's default has.

        Raises:
            ValueError: as the class does, or if a setting is not of that form or type.
        """
        law = _law(noise)
        parameters: dict[str, Parameter] = {}
        for setting in settings:
            name, equals, text = setting.partition("=")
            if not equals:
                raise ValueError(f"--set must be NAME=VALUE, got {setting!r}. Name the parameter and its value.")
            law.check_settings(level, [name])
            parameters[name] = _converted(name, text, law.parameters[name])
        return cls(noise, level, seed, parameters)

    @property
    def law(self) -> Law:
        """The law that the name stands for."""
        return _law(self.noise)

    def rng(self, name: str, index: Sequence[int]) -> Generator:
        """Start the draws for one slice.

        They depend on the seed, the scan's name and the slice's index, so that every slice has noise of its own,
        whatever other scans there are and in which order they come.

        Args:
            name: of the scan, its relative path.
            index: of the slice.
        """
        digest = sha256(f"{self.seed}/{name}/{list(index)}".encode(errors="surrogateescape")).digest()
        return Generator().manual_seed(int.from_bytes(digest[:SEED_BYTES], "big"))

    def derivation(self, name: str) -> Derivation:
        """Say how the noisy version of a scan was made.

        Args:
            name: as in ``rng``.
        """
        settings = "".join(f", {key} {value}" for key, value in sorted(self.parameters.items()))
        return Derivation(
            label="simulated noise",
            description=f"Simulated noise: {self.noise}, level {self.level:g}{settings}, seed {self.seed}. "
            f"monai_gan_denoise {__version__}. Research use only.",
            fingerprint=f"{__version__}/{self.noise}/{self.level!r}{settings}/{self.seed}/{name}",
            code="PixelByPixelAddition",
        )


def _law(name: str) -> Law:
    if name not in LAWS:
        raise ValueError(f"noise must be one of {', '.join(LAWS)}, got {name!r}. See simulate --list.")
    return LAWS[name]


def _converted(name: str, text: str, default: Parameter) -> Parameter:
    if isinstance(default, str):
        return text
    kind, rule = (int, "a whole number") if isinstance(default, int) else (float, "a number")
    try:
        value = kind(text)
    except ValueError as error:
        raise ValueError(f"{name} must be {rule}, got {text!r}. Pass --set {name}={default}.") from error
    if not math.isfinite(value):
        raise ValueError(f"{name} must be {rule}, got {text!r}. Pass --set {name}={default}.")
    return value
