"""Gaussian noise of random color: its power spectrum is drawn for every image."""

from __future__ import annotations

from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.level import at_least_zero
from monai_gan_denoise.transforms.noise.spectrum import DEFAULT_SPECTRUM, RandomSpectrum, colored_normal

__all__ = ["SIGNALS", "add_colored_noise"]

SIGNALS = ("none", "root", "proportional")


def add_colored_noise(
    image: Tensor,
    std: float | Tensor,
    rng: Generator,
    signal: str = "none",
    spectrum: RandomSpectrum = DEFAULT_SPECTRUM,
) -> Tensor:
    """Add Gaussian noise of a random power spectrum, ``y = x + std s(x) (h * n)``, ``h`` of unit energy.

    Args:
        image: the clean image, ``(..., H, W)``; not modified.
        std: standard deviation in the image's units, where ``s`` is 1; not negative.
        rng: source of randomness, on the device of ``image``; every slice draws its own spectrum.
        signal: how the noise depends on the signal: "none", ``s = 1``; "root", ``s = sqrt(max(x, 0))``, as that of
            counts; "proportional", ``s = max(x, 0)``.
        spectrum: what spectra are drawn from.

    Returns:
        The noisy image, same shape, dtype and device.

    Raises:
        ValueError: if ``std`` is negative or ``signal`` unknown.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> add_colored_noise(torch.zeros(1, 1, 96, 96), 0.1, rng).shape
        torch.Size([1, 1, 96, 96])

    Reference: Riederer et al., "The noise power spectrum in computed X-ray tomography", Phys. Med. Biol. 1978.
    """
    if signal not in SIGNALS:
        raise ValueError(f"signal must be one of {', '.join(SIGNALS)}, got {signal!r}. Choose one.")
    level = at_least_zero(std, "std", image)
    noise = colored_normal(image, spectrum, rng).mul_(level)
    if signal != "none":
        strength = image.clamp(min=0)
        noise.mul_(strength.sqrt_() if signal == "root" else strength)
    return noise.add_(image)
