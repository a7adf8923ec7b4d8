"""The SDK's own operator for MONAI bundles, on our exported model.ts, for applications that others compose.

Export the model with ``python -m monai.bundle ckpt_export`` first. What goes in and comes out is the SDK's Image in
memory: its DICOMSeriesToVolumeOperator stands before it, and what follows has to write the series.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.deploy.core import Fragment, Image, IOType
from monai.deploy.operators.monai_bundle_inference_operator import IOMapping, MonaiBundleInferenceOperator

from monai_gan_denoise.io.dicom.header import modality

__all__ = ["DenoiseBundleOperator"]


class DenoiseBundleOperator(MonaiBundleInferenceOperator):
    """MonaiBundleInferenceOperator, which would cast a denoised image to 8 bits and does not tell the modality.

    Named input:
        image: Image ``(D, H, W)``, in HU if CT.

    Named output:
        pred: Image, same shape and metadata, float32.

    Args:
        fragment: the application.
        app_context: names the model, as ``AppContext({"model": "model.ts"})`` does.
    """

    def __init__(self, fragment: Fragment, *args: Any, app_context: Any, **kwargs: Any) -> None:
        super().__init__(
            fragment,
            *args,
            app_context=app_context,
            input_mapping=[IOMapping("image", Image, IOType.IN_MEMORY)],
            output_mapping=[IOMapping("pred", Image, IOType.IN_MEMORY)],
            bundle_path=app_context.model_path,
            **kwargs,
        )

    def pre_process(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Turn the SDK's ``(W, H, D)`` into ``(1, H, W, D)``, as the network was trained, and name the modality."""
        image = data["image"]
        meta = {**image.meta, "modality": modality(image.meta.get("Modality")), "slice_axis": 2}
        return super().pre_process({"image": MetaTensor(image.as_tensor().swapaxes(0, 1)[None], meta=meta)})

    def _send_output(self, value: Any, name: str, metadata: Any, op_output: Any, context: Any) -> None:
        slices = np.moveaxis(np.asarray(value.cpu(), np.float32)[0], 2, 0)
        op_output.emit(Image(slices, metadata), name)
