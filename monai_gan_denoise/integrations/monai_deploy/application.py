"""The application: studies are loaded, series selected, denoised and written."""

from __future__ import annotations

from typing import Any

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application
from monai.deploy.operators import DICOMSeriesSelectorOperator

from monai_gan_denoise.integrations.monai_deploy.job import Job
from monai_gan_denoise.integrations.monai_deploy.operators import (
    DENOISED,
    SELECTED,
    STUDIES,
    DenoiseOperator,
    DerivedSeriesWriterOperator,
    StudyLoaderOperator,
)
from monai_gan_denoise.integrations.monai_deploy.rules import selection_rules

__all__ = ["DenoiseApplication"]


class DenoiseApplication(Application):
    """Denoise every image series of the DICOM studies in a folder.

    Args:
        job: what to denoise; its ``outcomes`` tell what became of it once ``run`` is done.
    """

    def __init__(self, job: Job, **kwargs: Any) -> None:
        self.job = job
        super().__init__(**kwargs)

    def compose(self) -> None:
        """Connect the operators."""
        once = CountCondition(self, 1)  # without it the loader would start over, for ever
        loader = StudyLoaderOperator(self, once, input_folder=self.job.input_folder, must_load=False, name="loader")
        selector = DICOMSeriesSelectorOperator(self, rules=selection_rules(), all_matched=True, name="selector")
        denoise = DenoiseOperator(self, job=self.job, name="denoise")
        writer = DerivedSeriesWriterOperator(self, job=self.job, name="writer")
        self.add_flow(loader, selector, {(STUDIES, STUDIES)})
        self.add_flow(loader, denoise, {(STUDIES, STUDIES)})
        self.add_flow(selector, denoise, {(SELECTED, SELECTED)})
        self.add_flow(denoise, writer, {(DENOISED, DENOISED)})
