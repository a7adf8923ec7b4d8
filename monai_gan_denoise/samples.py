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
import SimpleITK

from monai_gan_denoise import phantoms
from monai_gan_denoise.io import read_scan
from monai_gan_denoise.simulation import Simulation, write_noisy

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
        noise: the law of noise and its level.
        source: where it comes from, for the manifest, and under which licence.
    """

    modality: str
    name: str
    make: Callable[[Path], object]
    noise: Simulation
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
    for sample in _samples():
        clean, noisy = (root / sample.modality / kind / sample.name for kind in ("clean", "noisy"))
        for path in (clean, noisy):
            path.parent.mkdir(parents=True, exist_ok=True)
        sample.make(clean)
        write_noisy(read_scan([clean]), [clean], [noisy], sample.modality, sample.noise, sample.name)
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
    nibabel_files = ("nibabel's test files", "MIT")
    return (
        Sample("ct", "CT_small.dcm", _copy_pydicom("CT_small.dcm"), Simulation("gaussian", 0.025), pydicom_files),
        Sample("mr", "MR_small.dcm", _copy_pydicom("MR_small.dcm"), Simulation("rician", 0.08), pydicom_files),
        Sample("mr", "example4d.nii.gz", _copy_nibabel, Simulation("rician", 0.04), nibabel_files),
        Sample("xr", "chest.png", _phantom(phantoms.chest_radiograph), Simulation("poisson", 0.12), ours),
        Sample("us", "sector.png", _phantom(phantoms.sonogram), Simulation("speckle", 0.3), ours),
        Sample("oct", "macula.png", _phantom(phantoms.bscan), Simulation("speckle", 0.4), ours),
    )


def _copy_pydicom(name: str) -> Callable[[Path], object]:
    return lambda path: shutil.copyfile(str(pydicom.data.get_testdata_file(name, download=False)), path)


def _copy_nibabel(path: Path) -> None:
    shutil.copyfile(Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz", path)


def _phantom(draw: Callable[[], npt.NDArray[np.float64]]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.rint(255 * draw()).astype(np.uint8)), str(path))

    return write


def _row(sample: Sample, file: Path, kind: str) -> tuple[str, ...]:
    source, licence = sample.source
    bits = "8" if file.suffix == ".png" else "16"
    unit = "HU" if sample.modality == "ct" else "arbitrary"
    return file.as_posix(), sample.modality, "sample", kind, Path(sample.name).stem, source, "", bits, unit, licence
