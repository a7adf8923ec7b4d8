"""Operators between the SDK's series selector and the output folder.

They read and write by ``monai_gan_denoise.io``: the SDK's DICOMSeriesToVolumeOperator takes the first series only,
inverts MONOCHROME1 and drops slices without a position, and the SDK has no writer for an image series.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.deploy.core import Fragment, Operator, OperatorSpec
from monai.deploy.operators import DICOMDataLoaderOperator
from pydicom import dcmread

from monai_gan_denoise.integrations.monai_deploy.job import Job
from monai_gan_denoise.integrations.monai_deploy.selection import Selection, select_scans
from monai_gan_denoise.io import ScanWriter, find_scans, read_scan

__all__ = ["DenoiseOperator", "DenoisedScan", "DerivedSeriesWriterOperator", "StudyLoaderOperator"]

logger = logging.getLogger(__name__)

STUDIES, SELECTED, DENOISED = "dicom_study_list", "study_selected_series_list", "denoised_scans"
LARGE = "1 MB"  # elements above it, pixels as a rule, are skipped when a file is tried


@dataclass(frozen=True)
class DenoisedScan:
    """What denoising takes away from a scan.

    Attributes:
        files: the sources, in slice order.
        outputs: a path a source.
        modality: ct, mr, xr, us or oct.
        removed: shape and units of ``Scan.values``.
    """

    files: tuple[Path, ...]
    outputs: tuple[Path, ...]
    modality: str
    removed: npt.NDArray[np.float32]


class StudyLoaderOperator(DICOMDataLoaderOperator):
    """The SDK's loader, which one damaged file does not stop."""

    def _load_data(self, files: list[str]) -> Any:
        return super()._load_data([file for file in files if _is_loadable(file)])


class DenoiseOperator(Operator):
    """Denoise every selected series.

    Named inputs:
        dicom_study_list: what the loader has loaded.
        study_selected_series_list: what the selector took of it.

    Named output:
        denoised_scans: an iterator of ``DenoisedScan``. It denoises when the writer asks, so that one series is in
            memory at a time.

    Args:
        fragment: the application.
        job: what to denoise, and where failures are told.
    """

    def __init__(self, fragment: Fragment, *args: Any, job: Job, **kwargs: Any) -> None:
        self.job = job
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare the ports."""
        spec.input(STUDIES)
        spec.input(SELECTED)
        spec.output(DENOISED)

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Sort the input folder's scans by the selection and pass the iterator on."""
        studies, chosen = op_input.receive(STUDIES), op_input.receive(SELECTED)
        loaded = {
            str(series.SeriesInstanceUID): str(series.Modality or "")
            for study in studies
            for series in study.get_all_series()
        }
        selected = {str(one.series.SeriesInstanceUID) for study in chosen for one in study.selected_series}
        found = find_scans(self.job.input_folder, self.job.output_folder)
        op_output.emit(self._denoised(select_scans(found, loaded, selected)), DENOISED)

    def _denoised(self, selection: Selection) -> Iterator[DenoisedScan]:
        for line in selection.passed_over:
            self.job.outcomes.pass_over(line)
        for line in selection.failures:
            self.job.outcomes.fail(line)
        for item in selection.scans:
            files, outputs = (tuple(map(Path, item[key])) for key in ("image", "outputs"))
            try:
                scan, modality = read_scan(files), item["modality"]
                removed = self.job.denoiser.removed(
                    scan, modality, self.job.strength, self.job.noise_level, debias=self.job.debias
                )
            except Exception as error:  # whatever a decoder raises: that series is named and the next one is tried
                self.job.outcomes.fail(error, files[0])
                continue
            yield DenoisedScan(files, outputs, item["modality"], removed)


class DerivedSeriesWriterOperator(Operator):
    """Write a derived series for each scan, all of its files or none.

    Named input:
        denoised_scans: an iterable of ``DenoisedScan``.

    Args:
        fragment: the application.
        job: says what is done, and where results are told.
    """

    def __init__(self, fragment: Fragment, *args: Any, job: Job, **kwargs: Any) -> None:
        self.job = job
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare the port."""
        spec.input(DENOISED)

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Write what comes."""
        derivation = self.job.denoiser.derivation(
            self.job.strength, noise_level=self.job.noise_level, debias=self.job.debias
        )
        for scan in op_input.receive(DENOISED):
            writer = ScanWriter(derivation)
            writer.set_data_array(torch.from_numpy(scan.removed)[None])
            writer.set_metadata({"files": scan.files, "outputs": scan.outputs, "modality": scan.modality})
            try:
                writer.write(scan.outputs[0])
            except Exception as error:  # a full disk, a source that has gone: named, and the next series is tried
                self.job.outcomes.fail(error, scan.files[0])
            else:
                self.job.outcomes.succeed(scan.files, scan.outputs[0])


def _is_loadable(file: str) -> bool:
    """Try what the SDK's loader does with a file, which ends the application where it fails."""
    try:
        dcmread(file, defer_size=LARGE)
    except Exception as error:  # whatever a parser raises on a damaged file; find_scans refuses it with a reason
        logger.debug("%s cannot be loaded: %s", file, error)
        return False
    return True
