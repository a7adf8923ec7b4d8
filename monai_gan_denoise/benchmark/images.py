"""The images that methods are measured on: those of a folder or a manifest, or what packages ship and phantoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom.data
import torch

from monai_gan_denoise import phantoms
from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.ranges import data_range
from monai_gan_denoise.io import read_manifest, read_scan
from monai_gan_denoise.io.folder import read_folder
from monai_gan_denoise.io.manifest import find_manifest, is_clean, match_pairs
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.modality import known_modality
from monai_gan_denoise.scans.scan import Scan
from monai_gan_denoise.scans.slices import middle_slice
from monai_gan_denoise.transforms.gain import fit_gain

__all__ = ["SIMULATED", "SPLITS", "Image", "Source", "find_sources", "packaged_sources", "phantom_sources"]

DICOM_FILES = {"CT_small.dcm": "ct", "MR_small.dcm": "mr"}  # of pydicom
PHANTOMS = {"ct": "abdomen", "mr": "head", "xr": "chest_radiograph", "us": "sonogram", "oct": "bscan"}
SIMULATED, MEASURED = "test", "real_test"  # splits of a manifest
SPLITS = (SIMULATED, "val")  # that noise may be simulated on; images to train on are not measured

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Image:
    """A clean image, and the noisy one that was measured with it.

    Attributes:
        clean: ``(H, W)`` in network units, within [0, 1]; of a pair mapped to the intensities of the noisy side.
        lower: what 0 is in the modality's units.
        width: how much more 1 is.
        bits: 8 if the file holds 8 bits; None for others.
        noisy: the measured one, in network units; None where noise is to be simulated.
    """

    clean: Values
    lower: float
    width: float
    bits: int | None = None
    noisy: Values | None = None

    def halved(self, smallest: int) -> Image:
        """Average 2 x 2 pixels, which halves the noise that an image has itself; a row or column left over is cut off.

        Args:
            smallest: pixels of the shorter side below which the image is given as it is; so is one of a real pair.
        """
        if self.noisy is not None or min(self.clean.shape) < smallest:
            return self
        height, width = (size // 2 for size in self.clean.shape)
        cells = self.clean[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        return replace(self, clean=cells.mean((1, 3)))


@dataclass(frozen=True)
class Source:
    """Where an image comes from.

    Attributes:
        name: for tables, and for the seed of the noise.
        modality: one of ct, mr, xr, us, oct.
        patient: whoever it shows; the name where that is not known.
        files: the clean image's; none for a phantom.
        noisy: the files of the noisy side of a real pair.
        phantom: name of a function of ``monai_gan_denoise.phantoms``.
        volume: whether it is a slice of a volume beside the data.
        computed: whether the files were computed, and hold no noise.
    """

    name: str
    modality: str
    patient: str
    files: tuple[Path, ...] = ()
    noisy: tuple[Path, ...] = field(default=())
    phantom: str = ""
    volume: bool = False
    computed: bool = False

    @property
    def noise_free(self) -> bool:
        """Whether the image holds no noise."""
        return bool(self.phantom) or self.computed

    def load(self, protocol: Protocol) -> Image:
        """Read the image.

        Raises:
            InputError: if it cannot be read, is not in a range of the protocol, or the sides of a pair differ in size.
            ValueError: if the clean side of a pair is constant.
        """
        if self.phantom:
            clean: Values = np.clip(getattr(phantoms, self.phantom)(), 0, 1)
            low, high = protocol.ct_range if self.modality == "ct" else (0, 255)
            return Image(clean, low, high - low, None if self.modality == "ct" else 8)
        scan = read_scan(self.files)
        values = _slice_of(scan, self.modality)
        ranges = protocol.volume_ranges if self.volume else protocol.ranges
        limits = replace(protocol, ranges=ranges)
        low, high = data_range(self.modality, float(values.max()), scan.bit_range, limits, str(self.files[0]))
        clean = np.clip((values - low) / (high - low), 0, 1)
        bits = 8 if scan.bit_range else None
        if not self.noisy:
            return Image(clean, low, high - low, bits)
        noisy = (_slice_of(read_scan(self.noisy), self.modality) - low) / (high - low)
        if noisy.shape != clean.shape:
            raise InputError(
                f"sides of a pair must have one size, got {noisy.shape} and {clean.shape} in {self.noisy[0]}. "
                "Register them."
            )
        reference, measured = (torch.from_numpy(side)[None] for side in (clean, noisy))
        gain, offset = fit_gain(reference, measured, protocol.reference_smoothing, str(self.files[0]))
        return Image(np.clip(gain * clean + offset, 0, 1), low, high - low, bits, noisy)


def find_sources(data: Path, split: str = SIMULATED) -> list[Source]:
    """List the images of a manifest or a folder.

    Args:
        data: a manifest in CSV or JSON or a folder with one: clean images of the split, with pairs of the split
            ``real_test`` if it is ``test``, or all of them if there is no such column; or a folder of clean images,
            whose modality their header or a subfolder names.
        split: one of ``SPLITS``; ``val`` to choose by, so that ``test`` stays unseen.

    Raises:
        ValueError: if ``split`` is another.
        InputError: if nothing can be measured there, or a pair lacks a side.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}. Images to train on say nothing.")
    manifest = find_manifest(data)
    if manifest is None:
        rows = read_folder(data, "auto", leave_out=())
        sources = [_source(row["name"], row, _paths(row["file"])) for row in rows]
    else:
        sources = _listed(read_manifest(manifest), manifest, split)
    if not sources:
        wanted = f"{SIMULATED} or {MEASURED}" if split == SIMULATED else split
        raise InputError(f"--data must hold images of the split {wanted}, got none in {data}. Check the column.")
    return sources


def phantom_sources() -> list[Source]:
    """List the phantoms, one a modality."""
    return [Source(name, modality, name, phantom=name) for modality, name in PHANTOMS.items()]


def packaged_sources() -> list[Source]:
    """List what is at hand without data: a phantom of every modality, then images that installed packages ship."""
    shipped = {name: Path(str(pydicom.data.get_testdata_file(name, download=False))) for name in DICOM_FILES}
    volume = Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    return [
        *phantom_sources(),
        *(Source(name, DICOM_FILES[name], name, (path,)) for name, path in shipped.items()),
        Source(volume.name, "mr", volume.name, (volume,)),
    ]


def _listed(rows: Sequence[Mapping[str, Any]], manifest: Path, wanted: str) -> list[Source]:
    sources, paired = [], []
    for row in rows:
        split = row.get("split", wanted)
        if (split == MEASURED and wanted == SIMULATED) or ("split" not in row and row.get("pair")):
            paired.append(row)
        elif split == wanted and is_clean(row):
            sources.append(_source(row["file"], row, (manifest.parent / row["file"],)))
    for clean, noisy in match_pairs(paired, manifest):
        files = (manifest.parent / clean["file"],)
        sources.append(_source(noisy["file"], noisy, files, (manifest.parent / noisy["file"],)))
    return sources


def _source(name: str, row: Mapping[str, Any], files: tuple[Path, ...], noisy: tuple[Path, ...] = ()) -> Source:
    patient = f"{row.get('source') or ''} {row['patient']}".strip() if row.get("patient") else name
    return Source(name, known_modality(row["modality"]), patient, files, noisy)


def _paths(file: str | Sequence[str]) -> tuple[Path, ...]:
    return (Path(file),) if isinstance(file, str) else tuple(Path(path) for path in file)


def _slice_of(scan: Scan, modality: str) -> Values:
    values = middle_slice(scan.values, scan.slice_axis).astype(np.float64)
    return values - scan.hu_offset if modality == "ct" else values  # of others 16 bits hold no offset
