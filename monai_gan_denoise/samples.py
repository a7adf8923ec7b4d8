"""The sample inputs: images that installed packages ship, and phantoms, with noise added."""

from __future__ import annotations

import atexit
import csv
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom.data
import SimpleITK as sitk
import torch
from torch import Generator, Tensor

from monai_gan_denoise import phantoms
from monai_gan_denoise.io import Derivation, read_scan
from monai_gan_denoise.io.formats import format_of
from monai_gan_denoise.transforms.noise import (
    add_gaussian_noise,
    add_poisson_noise,
    add_rician_noise,
    add_speckle_noise,
)

__all__ = ["temporary_samples", "write_samples"]

logger = logging.getLogger(__name__)

COLUMNS = ("file", "modality", "split", "kind", "pair", "source", "patient", "bits", "unit", "licence")


@dataclass(frozen=True)
class Sample:
    """A clean image and the noise it gets.

    Attributes:
        modality: its modality.
        name: its file name.
        make: writes the clean file to a path.
        noise: adds noise to values in units of ``scale``.
        scale: intensity that the noise law takes as 1, in the image's units.
        source: where it comes from, for the manifest, and under which licence.
    """

    modality: str
    name: str
    make: Callable[[Path], object]
    noise: Callable[[Tensor, Generator], Tensor]
    scale: float
    source: tuple[str, str]


def write_samples(folder: str | Path) -> Path:
    """Write ``<modality>/clean`` and ``<modality>/noisy`` and a manifest.csv.

    Every call writes the same bits, but for the time of writing that DICOM wants in its header.

    Args:
        folder: made if absent.

    Returns:
        ``folder``.
    """
    root = Path(folder)
    rows = []
    for number, sample in enumerate(_samples()):
        clean, noisy = (root / sample.modality / kind / sample.name for kind in ("clean", "noisy"))
        for path in (clean, noisy):
            path.parent.mkdir(parents=True, exist_ok=True)
        sample.make(clean)
        _write_noisy(sample, clean, noisy, Generator().manual_seed(number))
        rows += [_row(sample, path.relative_to(root), kind) for path, kind in ((clean, "clean"), (noisy, "noisy"))]
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerows([COLUMNS, *rows])
    logger.info("%d samples of %d modalities are in %s.", len(rows) // 2, len({row[1] for row in rows}), root)
    return root


def temporary_samples() -> str:
    """Write the samples to a temporary folder, which goes when the program ends."""
    folder = tempfile.mkdtemp(prefix="monai_gan_denoise_samples_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(write_samples(folder))


def _samples() -> Sequence[Sample]:
    pydicom_files, ours = ("pydicom's test files", "MIT"), ("monai_gan_denoise phantom", "Apache-2.0")
    return (
        Sample(
            "ct", "CT_small.dcm", _copy_pydicom("CT_small.dcm"), _law(add_gaussian_noise, 0.025), 3000, pydicom_files
        ),
        Sample("mr", "MR_small.dcm", _copy_pydicom("MR_small.dcm"), _law(add_rician_noise, 0.04), 4095, pydicom_files),
        Sample(
            "mr", "example4d.nii.gz", _copy_nibabel, _law(add_rician_noise, 0.05), 900, ("nibabel's test files", "MIT")
        ),
        Sample("xr", "chest.png", _phantom(phantoms.chest_radiograph), _law(add_poisson_noise, 120.0), 255, ours),
        Sample("us", "sector.png", _phantom(phantoms.sonogram), _law(add_speckle_noise, 0.3), 255, ours),
        Sample("oct", "macula.png", _phantom(phantoms.bscan), _law(add_speckle_noise, 0.4), 255, ours),
    )


def _law(law: Callable[[Tensor, float, Generator], Tensor], level: float) -> Callable[[Tensor, Generator], Tensor]:
    return lambda image, rng: law(image, level, rng)


def _copy_pydicom(name: str) -> Callable[[Path], object]:
    return lambda path: shutil.copyfile(str(pydicom.data.get_testdata_file(name, download=False)), path)


def _copy_nibabel(path: Path) -> None:
    shutil.copyfile(Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz", path)


def _phantom(draw: Callable[[], npt.NDArray[np.float64]]) -> Callable[[Path], object]:
    return lambda path: sitk.WriteImage(sitk.GetImageFromArray(np.rint(255 * draw()).astype(np.uint8)), str(path))


def _write_noisy(sample: Sample, clean: Path, noisy: Path, rng: Generator) -> None:
    scan = read_scan([clean])
    values = torch.as_tensor(scan.values)
    lower = -1024.0 if sample.modality == "ct" else 0.0
    result = sample.noise((values - lower) / sample.scale, rng) * sample.scale + lower
    added = (result - values).numpy()
    derivation = Derivation(
        "simulated noise", f"Simulated noise added to {sample.name}. Research use only.", f"noise/{sample.name}"
    )
    module = format_of(clean)
    if module is not None:
        module.write([clean], -added, [noisy], derivation)


def _row(sample: Sample, file: Path, kind: str) -> tuple[str, ...]:
    source, licence = sample.source
    bits = "8" if file.suffix == ".png" else "16"
    unit = "HU" if sample.modality == "ct" else "arbitrary"
    return file.as_posix(), sample.modality, "sample", kind, Path(sample.name).stem, source, "", bits, unit, licence
