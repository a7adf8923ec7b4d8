"""The range that an image is scored over."""

from __future__ import annotations

from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.scans.errors import InputError

__all__ = ["data_range"]


def data_range(
    modality: str, highest: float, bit_range: tuple[float, float] | None, protocol: Protocol, file: str
) -> tuple[float, float]:
    """Find the range of a clean image: that of its bits, CT's in HU, else the first of the protocol's that holds it.

    Args:
        modality: of the image.
        highest: value in the image, in the modality's units.
        bit_range: as ``Scan`` has it; None for all but 8-bit images.
        protocol: which lists the ranges.
        file: what messages call the image.

    Returns:
        The lower and the upper end, in the modality's units.

    Raises:
        InputError: if no range holds the image.
    """
    if bit_range:
        return bit_range
    if modality == "ct":
        return protocol.ct_range
    fitting = [limits for limits in protocol.ranges if highest <= limits[1]]
    if not fitting:
        raise InputError(f"values must be at most {protocol.ranges[-1][1]:g}, got {highest:g} in {file}. Rescale it.")
    return fitting[0]
