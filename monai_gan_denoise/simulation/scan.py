"""Noise on a scan in memory, drawn slice by slice in the units of the laws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import CT_RANGE, known_modality
from monai_gan_denoise.scans.scan import Scan
from monai_gan_denoise.simulation.settings import Simulation
from monai_gan_denoise.transforms.noise import Law

__all__ = ["SPACING", "check_scan", "draw_noise", "law_units"]

SPACING = "spacing"  # name of the parameter that stands for the distance between pixels, in mm


def law_units(scan: Scan, modality: str, law: Law) -> tuple[float, float]:
    """Find the intensity that is 0 to a law, and how much more 1 is: the range that levels are a fraction of.

    CT: -1024 HU and 3000 HU. 8-bit images: the lowest value that the type holds and 255. Others: 0 and maximum minus
    minimum, of the whole scan. A physical zero, not the minimum, is 0: there no photon arrives and no echo returns. To
    a law of what is shown, the minimum is: pepper is black and salt white, whatever the numbers.

    Args:
        scan: the scan.
        modality: one of ``MODALITIES``.
        law: the law.

    Returns:
        Zero and range, in the units of ``scan.values``.
    """
    if scan.bit_range is not None:
        return scan.bit_range[0], scan.bit_range[1] - scan.bit_range[0]
    if modality == "ct":
        return CT_RANGE[0] + scan.hu_offset, CT_RANGE[1] - CT_RANGE[0]
    lowest, highest = float(scan.values.min()), float(scan.values.max())
    return lowest if law.shown else 0.0, highest - lowest


def check_scan(scan: Scan, modality: str, law: Law, file: str, force: bool = False) -> None:
    """Refuse a scan that a law has no meaning for.

    Args:
        scan: the scan.
        modality: what it is, or is said to be.
        law: the law.
        file: what messages call the scan.
        force: take a law of other modalities.

    Raises:
        InputError: if the law does not suit the modality, the scan is constant where the range is that of its values,
            it has values below the law's zero and the law has no meaning there, or it cannot be in HU and has to be.
        ValueError: if there is no such modality, or the law's own check refuses the values.
    """
    modality = known_modality(modality)
    if modality not in law.modalities and not force:
        suited = ", ".join(law.modalities)
        raise InputError(
            f"modality must be {'one of ' if len(law.modalities) > 1 else ''}{suited} for {law.name}, "
            f"got {modality} in {file}. Choose another law, or pass --force."
        )
    zero, width = law_units(scan, modality, law)
    if width == 0:
        raise InputError(f"values must vary, as levels refer to their range, got a constant in {file}. Leave it out.")
    if law.nonnegative and scan.values.min() < zero:
        raise InputError(
            f"values must be at least {zero:g} for {law.name}, which has no meaning for negative intensities, "
            f"got {scan.values.min():g} in {file}. Raise them first, or choose another law."
        )
    if law.check is not None and modality == "ct":
        if scan.bit_range is not None:
            raise InputError(f"values must be HU for {law.name}, got 8-bit pixels in {file}. Pass the CT in HU.")
        law.check(torch.as_tensor(scan.values) - scan.hu_offset)


def draw_noise(
    scan: Scan, modality: str, simulation: Simulation, name: str, spacing: float | None = None
) -> npt.NDArray[np.float64]:
    """Draw what a law adds to a scan, one slice at a time.

    Args:
        scan: the scan; not modified.
        modality: what it is.
        simulation: the law and its settings.
        name: of the scan, which the draws depend on.
        spacing: between pixels in mm, for a law that asks for it; None for the law's default.

    Returns:
        Noisy less clean, shape and units of ``scan.values``; exactly 0 where the law changes nothing. In float64, so
        that what a law replaces comes out as the law's value and not as a neighbor of it.
    """
    law = simulation.law
    zero, width = law_units(scan, known_modality(modality), law)
    parameters = dict(simulation.parameters)
    if SPACING in law.parameters and spacing is not None:
        parameters.setdefault(SPACING, spacing)
    noise = np.zeros(scan.values.shape)
    clean, added = (_slices(array, scan.slice_axis) for array in (scan.values, noise))
    indices = list(np.ndindex(clean.shape[2:]))
    hidden = None if len(indices) > 1 else True  # None: no bar where there is no terminal to redraw it on
    for index in tqdm(indices, desc=name, unit="slice", leave=False, disable=hidden):
        values = clean[(..., *index)].astype(np.float64)
        image = torch.as_tensor((values - zero) / width, dtype=torch.float32)[None]
        noisy = law(image, simulation.level, simulation.rng(name, index), **parameters)
        unchanged = (noisy == image)[0].numpy()
        added[(..., *index)] = np.where(unchanged, 0, noisy[0].double().numpy() * width + zero - values)
    return noise


def _slices(values: npt.NDArray[np.floating], slice_axis: int | None) -> npt.NDArray[np.floating]:
    """View a scan as ``(H, W, slices, ...)``."""
    return values[..., None] if slice_axis is None else np.moveaxis(values, slice_axis, 2)
