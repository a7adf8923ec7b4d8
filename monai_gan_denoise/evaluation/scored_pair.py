"""The figures of one pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.benchmark.protocol import Protocol
from monai_gan_denoise.benchmark.ranges import data_range
from monai_gan_denoise.evaluation.pairs import Pair
from monai_gan_denoise.io import read_scan
from monai_gan_denoise.metrics import tissue_bias
from monai_gan_denoise.metrics.scores import Score, pooled_score, score
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan

__all__ = ["Figures", "Range", "measure_pair"]

AFFINE_TOLERANCE = 1e-3  # mm; decimal text of DICOM and float32 of NIfTI round, a flip or another spacing is far more

Range = tuple[float | None, float]
Slices = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """What is measured of an output.

    Attributes:
        score: against the clean image.
        width: of the range, in the modality's units.
        noisy: that of the noisy image, if there is one.
        bias: mean error in HU by tissue, of CT in HU.
    """

    score: Score
    width: float
    noisy: Score | None = None
    bias: Mapping[str, float] = field(default_factory=dict)


def measure_pair(pair: Pair, protocol: Protocol, limits: Range | None = None) -> Figures:
    """Read the images of a pair and compare them.

    Of a volume PSNR, MSE and RMSE are over all voxels, SSIM is the mean over its slices, and so is the bias pooled.

    Args:
        pair: without a refusal.
        protocol: of the benchmark, whose ranges and measures these are.
        limits: the range in the modality's units, in the place of the protocol's; a lower end of None is CT's or 0.

    Raises:
        InputError: if an image cannot be read, the shapes or places differ, or no range holds the clean image.
    """
    scan = read_scan(pair.clean)
    lower, upper = _range(scan, pair, protocol, limits)
    clean = _slices(scan, scan.slice_axis, pair.modality)

    def scored(output: Slices) -> Score:
        return pooled_score(score(x, y, lower, upper) for x, y in zip(clean, output, strict=True))

    output = _partner(scan, pair.pred, pair)
    in_hu = pair.modality == "ct" and scan.bit_range is None
    return Figures(
        scored(output),
        upper - lower,
        scored(_partner(scan, pair.noisy, pair)) if pair.noisy else None,
        tissue_bias(clean, output) if in_hu else {},
    )


def _range(scan: Scan, pair: Pair, protocol: Protocol, limits: Range | None) -> tuple[float, float]:
    if limits is not None:
        lower = protocol.ct_range[0] if pair.modality == "ct" else 0.0
        return (lower, lower + limits[1]) if limits[0] is None else (limits[0], limits[1])
    if pair.modality is None and scan.bit_range is None:
        raise InputError(
            f"modality must be one of ct, mr, xr, us, oct, got none in {pair.clean[0]}. "
            "Pass --modality, --data-range or a manifest.csv."
        )
    lowest, highest = float(scan.values.min()), float(scan.values.max())
    if lowest < 0 and pair.modality != "ct" and scan.bit_range is None:
        # The benchmark's ranges begin at 0, and what lies outside a range is limited to it before it is compared.
        raise InputError(f"values must be at least 0, got {lowest:g} in {pair.clean[0]}. Pass --data-range LOW:HIGH.")
    return data_range(str(pair.modality), highest, scan.bit_range, protocol, str(pair.clean[0]))


def _partner(clean: Scan, files: tuple[Path, ...], pair: Pair) -> Slices:
    scan = read_scan(files)
    if scan.values.shape != clean.values.shape:
        raise InputError(
            f"images must have the shape {clean.values.shape} of {pair.clean[0]}, got {scan.values.shape} "
            f"in {files[0]}. Register them."
        )
    if scan.placed and clean.placed:
        _check_place(scan, files[0], clean, pair.clean[0])
    return _slices(scan, clean.slice_axis, pair.modality)


def _check_place(scan: Scan, file: Path, clean: Scan, reference: Path) -> None:
    """Refuse voxels that lie elsewhere in the patient than those of the same indices."""
    steps = [axis for axis, size in enumerate(clean.values.shape[:3]) if size > 1]  # of one slice, its thickness
    columns = [*steps, 3]
    mine, theirs = scan.affine[:, columns], clean.affine[:, columns]
    if not np.allclose(mine, theirs, atol=AFFINE_TOLERANCE):
        raise InputError(
            f"images must have the affine of {reference}, got one that differs by up to "
            f"{np.abs(mine - theirs).max():.3g} in {file}. Register or reorient them."
        )


def _slices(scan: Scan, slice_axis: int | None, modality: str | None) -> Slices:
    """Stack the slices, ``(N, H, W)``, in the modality's units."""
    values = scan.values - np.float32(scan.hu_offset) if modality == "ct" else scan.values
    if slice_axis is None:
        return values[None]
    volumes = np.moveaxis(values.reshape(*values.shape[:3], -1), (3, slice_axis), (0, 1))
    return volumes.reshape(-1, *volumes.shape[2:])
