"""Writing through MONAI's SaveImaged: the source again, less what was removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.config import PathLike
from monai.data import FolderLayoutBase, ImageWriter
from torch import Tensor

from monai_gan_denoise.io.formats import Format, format_of, suffix_of
from monai_gan_denoise.io.nrrd_mha import codec as volume
from monai_gan_denoise.io.raster import codec as raster
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

__all__ = [
    "DiscoveredLayout",
    "ScanWriter",
    "discovered_outputs",
    "noise_path",
    "residual_path",
    "with_companions",
    "write_scan",
]

logger = logging.getLogger(__name__)

COMPANION_SUFFIXES = {  # what holds signed fractions in one file; of every other result it is NIfTI
    ".nrrd": ".nrrd",
    ".mha": ".mha",
    ".mhd": ".mha",
    **dict.fromkeys(raster.SUFFIXES, ".tiff"),
}


class ScanWriter(ImageWriter):
    """Write derived files for ``SaveImaged(keys="removed", writer=ScanWriter, ...)``.

    The array is what denoising removed, ``(1, *spatial)`` in the source's units. The metadata hold ``files``, the
    sources, ``outputs``, a path a source, and ``modality``.

    Args:
        derivation: how the outputs are made.
        residual: write the source minus the outputs, which exist already, as float32 with the source's geometry; a line
            says where that cannot be.
        noise: the array is the noise-level map; write it likewise.
    """

    def __init__(self, derivation: Derivation, residual: bool = False, noise: bool = False, **_: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.derivation = derivation
        self.residual = residual
        self.noise = noise

    @classmethod
    def bound(cls, derivation: Derivation, residual: bool = False, noise: bool = False) -> Callable[..., ScanWriter]:
        """Fix this writer's own arguments, since SaveImaged takes a class and passes only its own."""
        return partial(cls, derivation, residual, noise)

    def set_data_array(self, data_array: Tensor, **_: Any) -> None:
        """Take what was removed, ``(1, *spatial)``."""
        self.removed = np.asarray(data_array.cpu())[0]

    def set_metadata(self, meta_dict: Mapping[str, Any] | None, **_: Any) -> None:
        """Take the names of the sources and of the outputs, and the modality."""
        meta = meta_dict or {}
        self.files, self.outputs = ([Path(path) for path in meta[key]] for key in ("files", "outputs"))
        self.modality = meta.get("modality")

    def write(self, filename: PathLike, verbose: bool = False, **_: Any) -> None:
        """Write the outputs that the metadata name; the first of them is ``filename``."""
        module = _format_of(self.files[0])
        removed = self.removed
        del self.removed  # SaveImage keeps its last writer, which must not keep a volume
        if self.noise:
            self._write_beside("noise map", noise_path(self.outputs), module.write_map, removed)
            return
        if not self.residual:
            module.write(self.files, removed, self.outputs, self._derivation())
            return
        # In the result as it is written, values are rounded and limited. DICOM and NIfTI, which may be large, work that
        # out from what was removed.
        if module in (raster, volume):
            removed = module.read(self.files).values - module.read(self.outputs).values
        self._write_beside("residual", residual_path(self.outputs), module.write_residual, removed)

    def _write_beside(
        self,
        what: str,
        path: Path,
        write: Callable[[Sequence[Path], npt.NDArray[np.floating], Path], None],
        values: npt.NDArray[np.floating],
    ) -> None:
        try:
            write(self.files, values, path)
        except InputError as error:  # which the outputs need not suffer for
            path.unlink(missing_ok=True)  # that of an earlier run, which is replaced by none
            logger.warning("No %s: %s", what, error)

    def _derivation(self) -> Derivation:
        """Add the modality, which shows in the pixels as well and may come from the command line, to the settings."""
        return replace(self.derivation, fingerprint=f"{self.derivation.fingerprint}/{self.modality}")


def write_scan(
    files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
) -> None:
    """Write the sources again, less what was removed; see ``monai_gan_denoise.scans.scan`` for the contract.

    Raises:
        InputError: if no format module takes the files, or a source cannot be read any more.
    """
    _format_of(files[0]).write(files, removed, outputs, derivation)


def residual_path(outputs: Sequence[Path]) -> Path:
    """Name the file that holds what was removed: beside the result, in a format that holds signed fractions.

    NRRD and MHA keep their format, MHD has an MHA beside it, PNG, JPEG and TIFF a TIFF, NIfTI and DICOM a NIfTI.
    """
    return _companion(outputs[0], "residual")


def noise_path(outputs: Sequence[Path]) -> Path:
    """Name the file that holds the noise-level map: beside the result, in the format of the residual."""
    return _companion(outputs[0], "noise")


def with_companions(outputs: Sequence[Path], residual: bool, noise_map: bool) -> list[Path]:
    """List the files that a scan becomes: its outputs and, where they are wanted, residual and noise-level map."""
    if not outputs:
        return []
    return [*outputs, *([residual_path(outputs)] * residual), *([noise_path(outputs)] * noise_map)]


def _companion(result: Path, what: str) -> Path:
    suffix = suffix_of(result, tuple(COMPANION_SUFFIXES))
    return result.with_name(f"{result.name}.{what}{COMPANION_SUFFIXES[suffix] if suffix else '.nii.gz'}")


class DiscoveredLayout(FolderLayoutBase):
    """Name outputs as ``find_scans`` did, who mirrors the input's tree."""

    def filename(self, **names: Any) -> str:
        """Give the first of ``outputs``."""
        return str(names["outputs"][0])


def discovered_outputs(meta: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Pass the outputs from the metadata to the layout (``SaveImaged``'s ``output_name_formatter``)."""
    return {"outputs": meta["outputs"]}


def _format_of(path: Path) -> Format:
    module = format_of(path)
    if module is None:
        raise InputError(f"files must be images, got {path}. Pass what ScanReader has read.")
    return module
