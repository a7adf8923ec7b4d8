"""Noise on files: a file, a series or a tree to noisy files beside it, as denoising goes from files to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from monai_gan_denoise.engines import ScanDataset, ScanEngine
from monai_gan_denoise.io import find_scans, read_scan, write_scan
from monai_gan_denoise.io.formats import suffix_of
from monai_gan_denoise.io.raster.codec import SUFFIXES as RASTERS
from monai_gan_denoise.scans.scan import Scan
from monai_gan_denoise.scans.slices import pixel_spacing
from monai_gan_denoise.simulation.scan import check_scan, draw_noise
from monai_gan_denoise.simulation.settings import Simulation

__all__ = ["simulate", "write_noisy"]


def simulate(
    source: str | Path,
    target: str | Path,
    simulation: Simulation,
    *,
    modality: str = "auto",
    force: bool = False,
    overwrite: bool = False,
) -> ScanEngine:
    """Add noise to a file, a series or a tree, and write files.

    Args:
        source: what to add noise to.
        target: where to put the results; see ``monai_gan_denoise.io.find_scans``.
        simulation: the law and its settings.
        modality: what images are whose header does not say; "auto" to refuse those.
        force: use the law on modalities whose detectors do not have it.
        overwrite: replace outputs that exist.

    Returns:
        The engine that has run, with its ``outcomes`` and its ``exit_code``.
    """
    root = Path(source) if Path(source).is_dir() else Path(source).parent

    def process(item: dict[str, Any]) -> dict[str, Any]:
        files, outputs = ([Path(path) for path in paths] for paths in (item["image"].meta["files"], item["outputs"]))
        name = files[0].relative_to(root).as_posix()
        write_noisy(item["scan"], files, outputs, item["modality"], simulation, name, force)
        return item

    dataset = ScanDataset(find_scans(source, target, modality, overwrite), _load)
    engine = ScanEngine("cpu", dataset, process, "made noisy")
    engine.run()
    return engine


def write_noisy(
    scan: Scan,
    files: Sequence[Path],
    outputs: Sequence[Path],
    modality: str,
    simulation: Simulation,
    name: str,
    force: bool = False,
) -> None:
    """Add noise to a scan and write it; integer files are rounded and limited to their type, floating ones are not.

    Args:
        scan: what ``files`` hold.
        files: the sources.
        outputs: a path a source.
        modality: what the scan is.
        simulation: the law and its settings.
        name: of the scan, which the draws depend on.
        force: use the law on modalities whose detectors do not have it.

    Raises:
        ValueError: if the law has no meaning for the scan.
    """
    check_scan(scan, modality, simulation.law, str(files[0]), force)
    spacing = None if _without_geometry(scan, files[0]) else pixel_spacing(scan.affine, scan.slice_axis)
    noise = draw_noise(scan, modality, simulation, name, spacing)
    write_scan(files, np.negative(noise, out=noise), outputs, simulation.derivation(name))


def _load(item: dict[str, Any]) -> dict[str, Any]:
    scan = read_scan([Path(path) for path in item["image"]])
    image = MetaTensor(torch.as_tensor(scan.values)[None], meta={"files": item["image"]})
    return {**item, "scan": scan, "image": image}


def _without_geometry(scan: Scan, path: Path) -> bool:
    """Tell whether a PNG, JPEG or TIFF leaves the size of its pixels open; it reads as 1 mm then."""
    return suffix_of(path, RASTERS) is not None and np.array_equal(scan.affine, np.eye(4))
