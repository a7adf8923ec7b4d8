"""The app: which tasks there are, and reasons for clients where MONAI Label answers "Internal Server Error"."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from monailabel.datastore.dicom import DICOMWebDatastore
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.exception import MONAILabelException

from monai_gan_denoise import __version__
from monai_gan_denoise.integrations.monai_label.archive import fetch_series, store_series
from monai_gan_denoise.integrations.monai_label.fine_tuning import FineTuning
from monai_gan_denoise.integrations.monai_label.infer import DenoisingTask
from monai_gan_denoise.integrations.monai_label.service import DenoisingService
from monai_gan_denoise.integrations.monai_label.train import TrainingTask
from monai_gan_denoise.scans.errors import InputError

__all__ = ["DenoisingApp"]

logger = logging.getLogger(__name__)

TASK = "denoise"
CLIENT_ERROR, SERVER_ERROR = 400, 500  # HTTP


class DenoisingApp(MONAILabelApp):  # type: ignore[misc]  # MONAI Label has no types that mypy would find
    """Serve denoising, and training on what its users made of their images.

    Args:
        app_dir: folder of this app.
        studies: folder of images, or address of a DICOMweb service.
        conf: what follows ``--conf``: ``modality``, that of images whose header does not say.
    """

    def __init__(self, app_dir: str, studies: str, conf: Mapping[str, str] | None) -> None:
        self.folder = Path(app_dir)
        _spare_a_download(self.folder / "bin")
        super().__init__(
            app_dir,
            studies,
            dict(conf or {}),
            name=f"monai_gan_denoise {__version__}",
            description="Denoises CT, MR, X-ray, ultrasound and OCT images. Research use only; not a medical device.",
        )

    def init_infers(self) -> dict[str, Any]:
        """Name the tasks of inference; the network is loaded before the first request comes."""
        store = self.datastore()
        archive = None
        if isinstance(store, DICOMWebDatastore):

            def archive(files: Sequence[Path]) -> str:
                return store_series(store._client, files)

        service = DenoisingService(self.folder, self.conf.get("modality", "auto"), archive)
        try:
            service.load()
        except ValueError as error:
            logger.error("Requests will be refused: %s", error)
        return {TASK: DenoisingTask(service)}

    def init_trainers(self) -> dict[str, Any]:
        """Name the tasks of training."""
        return {TASK: TrainingTask(FineTuning(self.folder, self.conf.get("modality", "auto")))}

    def infer(self, request: Mapping[str, Any], datastore: Any = None) -> Any:
        """Denoise an image of the datastore, a session or an upload.

        Raises:
            HTTPException: with the reason, where it failed: 400 if the image or a setting is to blame, else 500.
        """
        store = datastore or self.datastore()
        try:
            if not os.path.exists(request["image"]):
                request = {**request, "image": _locate(request["image"], store)}
            return super().infer(request, store)
        except MONAILabelException as error:
            raise HTTPException(CLIENT_ERROR, error.msg) from error
        except ValueError as error:
            logger.error("%s", error)
            raise HTTPException(CLIENT_ERROR, str(error)) from error
        except (OSError, RuntimeError) as error:  # a full disk, an archive that is away, a lack of memory
            logger.exception("denoising failed")
            raise HTTPException(SERVER_ERROR, f"{type(error).__name__}: {error}") from error


def _locate(image: str, store: Any) -> str:
    """Give the folder of an archive's series, fetched; of other images their name, which there must be.

    Raises:
        InputError: if there is no such image.
    """
    if isinstance(store, DICOMWebDatastore):
        return str(fetch_series(store._client, image, Path(store._datastore.image_path()) / "series"))
    if not store.get_image_uri(image):
        raise InputError(f"image must be one of the datastore's, got {image!r}. Look at GET /datastore/.")
    return image


def _spare_a_download(folder: Path) -> None:
    """Put an empty file where MONAI Label, with DICOMweb, would download a tool that writes segmentations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "itkimage2segimage").touch()
