"""Noise of CT at a low dose: made where the photons are counted, and seen through the reconstruction."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero
from monai_gan_denoise.transforms.noise.tomography import Scan, Tomograph

__all__ = ["ELECTRONIC_STD", "PHOTONS", "add_low_dose_noise", "check_hounsfield", "draw_low_dose_noise"]

WATER = 0.0192  # attenuation per mm near 71 keV, a 120 kVp beam's mean (NIST: 0.2059 cm2/g at 60 keV, 0.1837 at 80)
LOWEST_HU = -1024.0  # scanners store no less for air; what lies below is padding around the field of view
DEEPEST_PADDING = -4096.0  # HU; scanners pad with -2000, -2048 or -3024
HIGHEST_HU = 65535.0 + LOWEST_HU  # what 16 bits hold above the usual offset
PHOTONS = 1e6  # an element and view at full dose; Zeng et al. and others take 1e5 to 1e6
ELECTRONIC_STD = 3.0  # photons; Zeng et al. take a variance near 10
DEFAULT_SCAN = Scan()


def add_low_dose_noise(
    image: Tensor,
    dose: float | Tensor,
    photons: float,
    electronic_std: float,
    rng: Generator,
    scan: Scan = DEFAULT_SCAN,
) -> Tensor:
    """Simulate a CT slice acquired at a fraction of the dose.

    The slice is projected, ``p``; a detector counts ``y = Poisson(dose photons exp(-p)) + N(0, electronic_std^2)`` and
    takes ``p' = -log(max(y, 1) / (dose photons))``. As filtered back-projection is linear, ``p' - p`` alone is
    reconstructed and added, so that the clean slice stays the exact reference, whatever noise it has itself.

    Photon noise is Poisson in the projections, so the deviation grows as ``1 / sqrt(dose)``, faster where hardly a
    photon passes. Nothing below -1000 HU attenuates. Padding, below -1024 HU, was not measured: it is returned as is.

    Args:
        image: attenuation in HU, ``(..., H, W)``, each a slice of its own; not modified.
        dose: fraction of the full dose, in ``(0, 1]``; a number, or a tensor that broadcasts, as ``(B, 1, 1, 1)``.
        photons: incident photons per detector element and view at full dose, positive; literature has 1e5 to 1e6.
        electronic_std: read-out noise, in photons; about 3.
        rng: source of randomness. Projecting runs on the CPU.
        scan: spacing, geometry and kernel.

    Returns:
        Noisy image in HU, same shape, dtype and device.

    Raises:
        ValueError: if a value is outside its range, or ``image`` cannot be in HU.

    Reference: Yu et al., "Development and validation of a practical lower-dose-simulation tool for optimizing computed
        tomography scan protocols", JCAT 2012; Zeng et al., "A simple low-dose X-ray CT simulation from high-dose scan",
        IEEE TNS 2015. Attenuation of water: Hubbell & Seltzer, NIST Standard Reference Database 126.
    """
    check_hounsfield(image)
    slices = image.reshape(-1, *image.shape[-2:])
    doses = torch.as_tensor(dose, dtype=torch.float32).cpu().expand(*image.shape[:-2], 1, 1).flatten().tolist()
    tomograph = Tomograph(scan, *image.shape[-2:])
    noise = [
        draw_low_dose_noise(clean, share, photons, electronic_std, rng, tomograph)[0]
        for clean, share in zip(slices, doses, strict=True)
    ]
    return image + torch.stack(noise).reshape(image.shape).to(image)


def draw_low_dose_noise(
    image: Tensor,
    dose: float,
    photons: float,
    electronic_std: float,
    rng: Generator,
    tomograph: Tomograph,
    count: int = 1,
) -> Tensor:
    """Draw what ``add_low_dose_noise`` adds to one slice, several times from one projection.

    Args:
        image: ``(H, W)``, in HU.
        dose: as ``photons``, ``electronic_std`` and ``rng`` as ``add_low_dose_noise`` takes them.
        photons: see there.
        electronic_std: see there.
        rng: see there.
        tomograph: projects slices of the image's shape.
        count: independent draws.

    Returns:
        Noise in HU, ``(count, H, W)``, float32 on the CPU.

    Raises:
        ValueError: if a value is outside its range.
    """
    if not 0 < dose <= 1:
        raise ValueError(f"dose must be in (0, 1], got {dose:g}. Pass a fraction of the full dose.")
    if not photons > 0:
        raise ValueError(f"photons must be positive, got {photons:g}. Pass those of one element in one view.")
    hounsfield = image.detach().float().cpu()
    readout = at_least_zero(electronic_std, "electronic_std", hounsfield).to(rng.device)
    clean = tomograph.project(WATER * (1 + hounsfield / 1000).clamp(min=0)).to(rng.device)
    incident = dose * photons
    expected = incident * torch.exp(-clean)
    noise = []
    for _ in range(count):
        counted = torch.poisson(expected, generator=rng)
        counted += readout * torch.randn(expected.shape, generator=rng, device=rng.device)
        difference = -torch.log(counted.clamp(min=1) / incident) - clean
        noise.append(tomograph.reconstruct(difference.cpu()) * (1000 / WATER))
    return torch.stack(noise) * (hounsfield >= LOWEST_HU)


def check_hounsfield(image: Tensor) -> None:
    """Refuse what cannot be CT numbers in HU.

    Padding may lie below -1024 HU, down to -4096, or be one constant of 16 bits further below. A scaled image, all
    within -1 to 1, would pass for water.

    Args:
        image: any shape.

    Raises:
        ValueError: if it is not finite, beyond what 16 bits hold, or scaled.
    """
    advice = "Convert it to HU, or choose another law."
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"CT values must be finite HU, got NaN or infinity. {advice}")
    lowest, highest = float(image.min()), float(image.max())
    below = image[image < DEEPEST_PADDING]
    if highest > HIGHEST_HU or lowest < -32768 + LOWEST_HU or bool((below != lowest).any()):
        raise ValueError(
            f"CT values must be HU, from {LOWEST_HU:g} to {HIGHEST_HU:g} but for padding, "
            f"got {lowest:g} to {highest:g}. {advice}"
        )
    if -1 <= lowest < highest <= 1:
        raise ValueError(f"CT values must be HU, air near -1000, got all from {lowest:g} to {highest:g}. {advice}")
