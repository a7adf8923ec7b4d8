"""How outputs tell what was done to them."""

from __future__ import annotations

from uuid import uuid4

from monai_gan_denoise import __version__
from monai_gan_denoise.io.scan import Derivation

__all__ = ["derive"]


def derive(weights_hash: str, strength: float, new_uids: bool = False) -> Derivation:
    """Describe denoising with these weights and settings.

    Args:
        weights_hash: what ``monai_gan_denoise.networks.weights_hash`` says of the network.
        strength: share of the denoising that is applied.
        new_uids: draw fresh UIDs for DICOM outputs.
    """
    return Derivation(
        label="denoised",
        description=f"Denoised by monai_gan_denoise {__version__}, weights {weights_hash}, strength {strength:g}. "
        "Research use only.",
        fingerprint=f"{__version__}/{weights_hash}/{float(strength)!r}",
        salt=uuid4().hex if new_uids else "",
    )
