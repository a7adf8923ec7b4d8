"""An application that others might compose: series to volume, our model.ts in the SDK's operator, values to a file.

Run in the environment of the SDK: ``deploy_bundle_operator.py MODEL.ts SERIES_FOLDER OUTPUT.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from monai.deploy.conditions import CountCondition
from monai.deploy.core import AppContext, Application, Operator, OperatorSpec
from monai.deploy.operators import (
    DICOMDataLoaderOperator,
    DICOMSeriesSelectorOperator,
    DICOMSeriesToVolumeOperator,
)

from monai_gan_denoise.integrations.monai_deploy.bundle_operator import DenoiseBundleOperator
from monai_gan_denoise.integrations.monai_deploy.rules import selection_rules


class Keep(Operator):
    """Save input and output as ``(D, H, W)``."""

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("image")
        spec.input("pred")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        np.savez(sys.argv[3], **{name: op_input.receive(name).asnumpy() for name in ("image", "pred")})


class BundleApplication(Application):
    def compose(self) -> None:
        once = CountCondition(self, 1)
        loader = DICOMDataLoaderOperator(self, once, input_folder=Path(sys.argv[2]), name="loader")
        selector = DICOMSeriesSelectorOperator(self, rules=selection_rules(), name="selector")
        volume = DICOMSeriesToVolumeOperator(self, name="volume")
        denoise = DenoiseBundleOperator(self, app_context=AppContext({"model": sys.argv[1]}), name="denoise")
        keep = Keep(self, name="keep")
        self.add_flow(loader, selector)
        self.add_flow(selector, volume)
        self.add_flow(volume, denoise)
        self.add_flow(volume, keep, {("image", "image")})
        self.add_flow(denoise, keep, {("pred", "pred")})


if __name__ == "__main__":
    BundleApplication().run()
