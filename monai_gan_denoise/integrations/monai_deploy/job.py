"""What the operators of one run share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from monai_gan_denoise.inference import Denoiser, NoiseLevel
from monai_gan_denoise.integrations.monai_deploy.outcomes import Outcomes

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One run over a folder.

    Attributes:
        denoiser: does the work.
        input_folder: where the studies are.
        output_folder: gets the input's tree, a derived file for each source.
        strength: share of the denoising, in ``[0, 1]``.
        debias: whether to remove the bias of MR magnitudes, "auto" or "off"; the bundle's default if None.
        noise_level: what the network is told of the noise.
        outcomes: where results and failures are told.
    """

    denoiser: Denoiser
    input_folder: Path
    output_folder: Path
    strength: float = 1.0
    debias: str | None = None
    noise_level: NoiseLevel = field(default_factory=NoiseLevel)
    outcomes: Outcomes = field(default_factory=Outcomes)
