"""Blind denoising of MRI, X-ray, ultrasound, CT and OCT images, as a MONAI bundle and a command line.

``from monai_gan_denoise import Denoiser`` is the Python interface. Research use only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_gan_denoise.inference import Denoiser

__all__ = ["Denoiser", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # MONAI takes seconds to import; the command line's help and the configs' `_target_` lookups do not need Denoiser.
    if name == "Denoiser":
        from monai_gan_denoise.inference import Denoiser

        return Denoiser
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
