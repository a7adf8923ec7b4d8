"""The low-contrast phantom of CT: contrast kept of faint inserts, noise left, and the frequency of what is left.

Ten simulated realizations of a phantom with four inserts, at two doses, reconstructed by filtered back-projection. Each
is denoised as it is and with the inserts subtracted, so that in the difference noise cancels and the inserts stay.

Reference: Vaishnav et al., "Objective assessment of image quality and dose reduction in CT iterative reconstruction",
    Med. Phys. 2014, on the phantom MITA-LCD, which this one is like.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from monai_gan_denoise.benchmark.methods import Method
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.references import LowContrast
from monai_gan_denoise.metrics import insert_contrast, mean_frequency

__all__ = ["CONTRAST", "FREQUENCY", "INSERTS", "NOISE_LEFT", "measure_low_contrast"]

CONTRAST, NOISE_LEFT, FREQUENCY = "insert_contrast", "noise_left", "frequency_shift"
GROUND = 1000.0  # of the phantom; HU are counted from it
INSERTS = {14: 4, 7: 7, 5: 10, 3: 14}  # HU above the ground, and the diameter in pixels
UNIFORM = 48  # pixels: side of the square in the middle, between the inserts

Values = npt.NDArray[np.float64]
Measure = tuple[str, str, str, float]  # its name, the subject, the mode and the value


def measure_low_contrast(method: Method, phantom: LowContrast, protocol: Protocol) -> Iterator[Measure]:
    """Measure a method at every dose, in all its modes.

    Yields:
        ``insert_contrast``, the share of an insert's contrast that is left; ``noise_left``, the standard deviation over
        realizations after over before; ``frequency_shift``, the mean frequency after over before, less 1.
    """
    truth = _read(phantom.truth)[0]
    inserts = np.where(np.isin(truth, [GROUND + hu for hu in INSERTS]), truth - GROUND, 0.0)
    middle = tuple(slice((size - UNIFORM) // 2, (size + UNIFORM) // 2) for size in truth.shape)
    for dose, path in phantom.doses:
        noisy = _read(path)[: 2 if protocol.quick else None]
        whole, without = (_denoised(method, images, truth, protocol) for images in (noisy, noisy - inserts))
        before = noisy[(slice(None), *middle)]
        for mode, outputs in whole.items():
            difference = np.mean(outputs - without[mode], axis=0)
            for hu, diameter in INSERTS.items():
                here = _largest(truth == GROUND + hu)
                yield CONTRAST, f"{dose} % {hu} HU {diameter} px", mode, insert_contrast(difference, inserts, here)
            after = outputs[(slice(None), *middle)]
            yield NOISE_LEFT, f"{dose} %", mode, _deviation(after) / _deviation(before)
            yield FREQUENCY, f"{dose} %", mode, mean_frequency(after) / mean_frequency(before) - 1


def _read(path: Path) -> Values:
    return np.moveaxis(np.asarray(nibabel.load(path).dataobj, dtype=np.float64), -1, 0)  # type: ignore[attr-defined]


def _denoised(method: Method, images: Values, truth: Values, protocol: Protocol) -> dict[str, Values]:
    low, high = protocol.ct_range
    clean = (truth - GROUND - low) / (high - low)
    found: dict[str, list[Values]] = {}
    for image in images:
        noisy = ((image - GROUND - low) / (high - low)).astype(np.float32)
        for mode, output in method.outputs(Exposure("ct", noisy, clean, low, high - low, None)):
            found.setdefault(mode, []).append(np.asarray(output, np.float64) * (high - low))
    return {mode: np.stack(outputs) for mode, outputs in found.items()}


def _deviation(images: Values) -> float:
    return float(np.sqrt(np.mean(images.var(axis=0, ddof=1))))


def _largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Take the insert alone, without pixels of other borders that happen to have its value."""
    parts, count = ndimage.label(mask)
    sizes = [int(np.sum(parts == part)) for part in range(1, count + 1)]
    return np.asarray(parts == 1 + int(np.argmax(sizes)))
