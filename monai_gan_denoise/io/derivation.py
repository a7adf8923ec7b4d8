"""How outputs tell what was done to them."""

from __future__ import annotations

from uuid import uuid4

from monai_gan_denoise import __version__
from monai_gan_denoise.scans.scan import Derivation

__all__ = ["derive"]


def derive(
    weights_hash: str,
    perception: float,
    strength: float,
    new_uids: bool = False,
    salt: str = "",
    noise_level: str = "auto",
    *,
    debias: str = "off",
) -> Derivation:
    """Describe denoising with these weights and settings.

    Args:
        weights_hash: what ``monai_gan_denoise.networks.weights_hash`` says of the network.
        perception: where the weights lie between those trained for fidelity, 0, and the adversarial ones, 1.
        strength: share of the denoising that is applied.
        new_uids: draw fresh UIDs for DICOM outputs.
        salt: with ``new_uids``, that of the run that is resumed, so that its series go on under their UIDs.
        debias: whether the bias of MR magnitudes was removed where it was found, "auto" or "off".
        noise_level: what the network is told of the noise, if it is not left to its own estimate.
    """
    told = "" if noise_level == "auto" else noise_level
    return Derivation(
        label="denoised",
        # The first sentence fits into the 79 bytes that a NIfTI header has for it.
        description=f"monai_gan_denoise {__version__}, weights {weights_hash}, perception {perception:g}, "
        f"strength {strength:g}. {f'Noise level {told}. ' if told else ''}Denoised, debias {debias}; "
        "research use only.",
        fingerprint=f"{__version__}/{weights_hash}/{float(perception)!r}/{float(strength)!r}/{debias}"
        + (f"/level {told}" if told else ""),
        salt=(salt or uuid4().hex) if new_uids else "",
    )
