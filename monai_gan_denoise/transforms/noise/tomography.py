"""Projection of a CT slice and its filtered back-projection, in the parallel and the fan beam of a full rotation.

Both rest on the Fourier slice theorem: the transform of a parallel projection is the image's transform along a ray
through its origin. FINUFFT evaluates that there and back to a stated tolerance: 512 x 512 pixels and 1152 views in some
0.2 s on one core. It is licensed under Apache-2.0, has wheels for Linux on x86, macOS and Windows, and needs little but
NumPy. Of the libraries that project, torchtomo is for non-commercial use only and astra under the GPL; scikit-image
takes 5 s for 720 views there and back and has no fan beam; RTK brings ITK along, and volumes where a slice is meant.

Reference: Kak & Slaney, "Principles of Computerized Tomographic Imaging", IEEE Press 1988, chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["GEOMETRIES", "KERNELS", "Scan", "Tomograph"]

GEOMETRIES = ("parallel", "fan")
TOLERANCE = 1e-4  # relative, of the transforms: a hundredth of the noise at the highest dose
WIDEST = 0.95  # of the source's distance: the farthest that a slice's corner may lie from the center

Array = npt.NDArray[np.floating]

# Windows on the ramp by frequency, as a share of the detector's Nyquist frequency; from sharp to smooth.
KERNELS: Mapping[str, Callable[[Array], Array]] = {
    "ramp": np.ones_like,
    "shepp-logan": lambda share: np.sinc(share / 2),
    "cosine": lambda share: np.cos(np.pi / 2 * share),
    "hamming": lambda share: 0.54 + 0.46 * np.cos(np.pi * share),
    "hann": lambda share: 0.5 + 0.5 * np.cos(np.pi * share),
    "hann-squared": lambda share: (0.5 + 0.5 * np.cos(np.pi * share)) ** 2,
}


@dataclass(frozen=True)
class Scan:
    """How a slice was measured and reconstructed.

    The defaults are a clinical scanner's: 1152 views a rotation, elements 0.6 mm wide at the center, the source 595 mm
    from it, as a Siemens Definition AS+ has (the raw data of Moen et al., "Low-dose CT image and projection dataset",
    Med. Phys. 2021).

    Attributes:
        spacing: side of a pixel in mm; 0.7 is a body's field of view of 360 mm on 512 pixels.
        geometry: ``"parallel"``, views over half a rotation, or ``"fan"``, views over a full one onto an arc of equal
            angles, which is rebinned to parallel rays before it is filtered, as scanners do.
        kernel: one of ``KERNELS``; ``"hann"`` looks like a soft-tissue kernel, ``"ramp"`` like a bone kernel.
        views: projections, evenly spaced.
        element: width of a detector element, in mm at the center of rotation.
        source: distance from the source to the center of rotation in mm; of no meaning in the parallel beam.

    Raises:
        ValueError: if a value is none of these.
    """

    spacing: float = 0.7
    geometry: str = "fan"
    kernel: str = "hann"
    views: int = 1152
    element: float = 0.6
    source: float = 595.0

    def __post_init__(self) -> None:
        for name, known in (("geometry", GEOMETRIES), ("kernel", tuple(KERNELS))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}. Choose one.")
        for name, unit in (("spacing", "mm"), ("views", "projections"), ("element", "mm"), ("source", "mm")):
            if not 0 < getattr(self, name) < math.inf:  # so that NaN is refused too
                raise ValueError(f"{name} must be positive, got {getattr(self, name):g}. Pass it in {unit}.")


class Tomograph:
    """Project slices of one shape, and reconstruct them.

    Nothing changes after construction, so threads may share one. The same input gives the same bits. Arrays are NumPy's
    inside, as FINUFFT's are: a hundred short operations on torch's threads stall where other programs use the cores.

    Args:
        scan: spacing, geometry and kernel.
        height: rows of a slice.
        width: columns; the center of rotation is the pixel ``(height // 2, width // 2)``.

    Raises:
        ValueError: if a fan beam's source would meet the slice.
    """

    def __init__(self, scan: Scan, height: int, width: int) -> None:
        reach = scan.spacing * math.hypot(height // 2 + 1, width // 2 + 1)
        if scan.geometry == "fan" and reach > WIDEST * scan.source:
            raise ValueError(
                f"spacing must leave a slice's corners within {WIDEST * scan.source:g} mm of its center in a fan beam, "
                f"got {scan.spacing:g} mm with corners at {reach:.0f} mm. Check it, or choose the parallel beam."
            )
        self.scan, self.shape = scan, (height, width)
        positions, widths, angles = _elements(scan, reach)

        # Twice the detector, so that the kernel does not wrap around. Frequencies are per mm.
        samples = 4 * math.ceil(reach / scan.element) + 4
        lag = np.arange(samples, dtype=np.float64)
        lag = np.minimum(lag, samples - lag)
        kernel = -(lag % 2) / (np.pi * np.maximum(lag, 1) * scan.element) ** 2
        kernel[0] = 1 / (4 * scan.element**2)  # Kak & Slaney, eq. 61: its mean is right, that of |frequency| is not
        ramp = np.fft.rfft(kernel).real * scan.element
        frequencies = np.fft.rfftfreq(samples, scan.element)
        # What is finer than the pixels would alias. The margin is for rounding.
        frequencies = frequencies[frequencies <= 0.5 / scan.spacing * (1 + 1e-9)]

        step = np.full_like(frequencies, 2 / (samples * scan.element))  # those below 0 are the conjugates
        step[0] /= 2
        window = KERNELS[scan.kernel](2 * scan.element * frequencies)
        self.filter = (ramp[: len(frequencies)] * window * step * np.pi / scan.views).astype(np.float32)
        self.aperture = (scan.spacing**2 * np.sinc(frequencies * scan.element) * step).astype(np.float32)

        phases = np.exp(2j * np.pi * positions[:, None] * frequencies).astype(np.complex64)
        self.cosines, self.sines = phases.real.copy(), phases.imag.copy()
        self.widths = widths.astype(np.float32)
        self.turns = np.exp(1j * np.arange(scan.views // 2 + 1)[:, None] * angles).astype(np.complex64)
        rotation = np.pi if scan.geometry == "parallel" else 2 * np.pi
        view = np.arange(scan.views)[:, None] * (rotation / scan.views)
        ray = 2 * np.pi * scan.spacing * frequencies
        self.rays = [(ray * axis).astype(np.float32).ravel() for axis in (np.sin(view), np.cos(view))]

    def project(self, attenuation: Tensor) -> Tensor:
        """Integrate along every ray, over the width of its element.

        Args:
            attenuation: ``(H, W)``, float32 on the CPU, per mm.

        Returns:
            Line integrals, without unit, ``(views, elements)``.
        """
        finufft = _nonuniform_transforms()
        image = np.ascontiguousarray(attenuation.numpy(), dtype=np.complex64)
        spectrum = finufft.nufft2d2(*self.rays, image, eps=TOLERANCE, isign=-1, nthreads=1)
        rays = spectrum.reshape(self.scan.views, -1) * self.aperture
        views = rays.real.copy() @ self.cosines.T - rays.imag.copy() @ self.sines.T  # BLAS takes contiguous arrays
        return torch.from_numpy(self._shift(views, self.turns))

    def reconstruct(self, projections: Tensor) -> Tensor:
        """Filter and back-project.

        Args:
            projections: ``(views, elements)``, float32 on the CPU.

        Returns:
            The slice, ``(H, W)``, per mm.
        """
        finufft = _nonuniform_transforms()
        rays = self._shift(projections.numpy(), self.turns.conj()) * self.widths
        spectrum = np.empty((len(rays), len(self.filter)), np.complex64)
        spectrum.real = (rays @ self.cosines) * self.filter
        spectrum.imag = (rays @ self.sines) * -self.filter
        # One thread: several add up in the order in which they end, and the last bits would differ between runs.
        image = finufft.nufft2d1(*self.rays, spectrum.ravel(), self.shape, eps=TOLERANCE, isign=1, nthreads=1)
        return torch.from_numpy(image.real.copy())

    def _shift(self, views: npt.NDArray[np.float32], turns: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
        """Shift each element's views by its angle: parallel rays become fans, or back.

        An element off the fan's axis sees, in every view, the ray of a parallel view turned by the element's angle. The
        shift is a phase, so white noise stays white; a linear interpolation would blur it by a different amount at
        every element, which shows as rings.
        """
        if self.scan.geometry == "parallel":
            return views
        shifted = np.fft.irfft(np.fft.rfft(views, axis=0) * turns, n=self.scan.views, axis=0)
        return shifted.astype(np.float32, copy=False)


def _nonuniform_transforms() -> ModuleType:
    try:
        import finufft
    except ImportError as error:  # no wheel for ARM on Linux, so pip leaves it out there
        raise ImportError("low-dose noise needs finufft, got none. Install it: pip install finufft.") from error
    module: ModuleType = finufft
    return module


def _elements(scan: Scan, reach: float) -> tuple[Array, Array, Array]:
    """Where each element's ray passes the center (mm), how much it covers there (mm), and its angle to the axis."""
    if scan.geometry == "parallel":
        half = math.ceil(reach / scan.element)
        positions = scan.element * np.arange(-half, half + 1, dtype=np.float64)
        return positions, np.full_like(positions, scan.element), np.zeros_like(positions)
    half = math.ceil(math.asin(reach / scan.source) * scan.source / scan.element)
    angles = scan.element / scan.source * np.arange(-half, half + 1, dtype=np.float64)
    return scan.source * np.sin(angles), scan.element * np.cos(angles), angles
