"""Blind denoising of MRI, X-ray, ultrasound, CT and OCT images, as a MONAI bundle and a command line.

``from monai_gan_denoise import Denoiser`` is the Python interface, ``GanDenoised`` the same as a MONAI transform.
Research use only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_gan_denoise.inference import Denoiser
    from monai_gan_denoise.preprocessing import GanDenoised

__all__ = ["Denoiser", "GanDenoised", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # MONAI takes seconds to import; the command line's help and the configs' `_target_` lookups do not need these.
    if name == "Denoiser":
        from monai_gan_denoise.inference import Denoiser

        return Denoiser
    if name == "GanDenoised":
        from monai_gan_denoise.preprocessing import GanDenoised

        return GanDenoised
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
