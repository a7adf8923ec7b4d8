"""From a client's request to a denoised file, by the one pipeline there is; knows nothing of MONAI Label."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import nibabel
import numpy as np

from monai_gan_denoise.inference import Denoiser, NoiseLevel
from monai_gan_denoise.integrations.monai_label.options import check_number, choose, modalities
from monai_gan_denoise.integrations.monai_label.progress import progress_in_log
from monai_gan_denoise.integrations.monai_label.weights import available_weights
from monai_gan_denoise.io import read_scan
from monai_gan_denoise.networks import default_perception
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Scan

__all__ = ["DenoisingService", "DenoisingSettings"]

logger = logging.getLogger(__name__)

# What cures an unknown modality: on the command line, and of a client.
FOR_CLIENTS = ("Pass --modality or a manifest.csv.", "Choose it: the parameter modality.")
Archive: TypeAlias = Callable[[Sequence[Path]], str]  # stores a series; its SeriesInstanceUID


@dataclass(frozen=True)
class DenoisingSettings:
    """What a client may choose; see ``Denoiser``.

    Attributes:
        modality: of images whose header does not say; "auto" to refuse those.
        strength: share of the denoising, in ``[0, 1]``.
        debias: whether to remove the bias of MR magnitudes, "auto" or "off"; see ``Denoiser.denoise``.
        perception: 0 for the weights trained for fidelity, 1 for the adversarial ones, between an interpolation.
        weights: which of ``available_weights``.
        device: a name that torch knows.
        store: of a DICOM series, also put the denoised one into the archive it came from.
        noise_level: auto, a factor of the network's own estimate such as 1.5x, or a number in the image's units.
    """

    modality: str
    strength: float
    debias: str
    perception: float
    weights: str
    device: str
    store: bool = False
    noise_level: str = "auto"

    @classmethod
    def of(cls, request: Mapping[str, Any], options: Mapping[str, Any]) -> DenoisingSettings:
        """Take the settings from a request, those that it does not have from the options shown to clients.

        Raises:
            ValueError: if one of them is none that was offered.
        """
        chosen = choose(request, options)
        shares = {name: check_number(name, chosen[name], 0, 1) for name in ("strength", "perception")}
        level = str(NoiseLevel.of(chosen["noise_level"]))
        store = str(request.get("store", False)).lower() == "true"
        if store and "store" not in options:
            raise ValueError("store must be false without an archive, got true. Serve a DICOMweb address.")
        return cls(
            **{**chosen, **shares, "noise_level": level, "store": store, "device": str(request.get("device") or "auto")}
        )


class DenoisingService:
    """Denoise one image after another, with the network kept between requests.

    Args:
        app_dir: the app's folder; weights that were trained are in its ``model``.
        modality: what images are whose header does not say, unless a request says otherwise.
        archive: stores a denoised series where its source came from; None if there is no archive.

    Raises:
        ValueError: if there is no such modality.
    """

    def __init__(self, app_dir: Path, modality: str = "auto", archive: Archive | None = None) -> None:
        self.app_dir = app_dir
        self.modalities = modalities(modality)
        self.archive = archive
        self._loaded: tuple[object, Denoiser] | None = None

    def options(self) -> dict[str, Any]:
        """Name what a client may choose, with the defaults; of a list its first."""
        available = available_weights(self.app_dir)
        return {
            "modality": self.modalities,
            "strength": 1.0,
            "debias": ["auto", "off"],
            "perception": default_perception(next(iter(available.values()))),
            "noise_level": "auto",
            "weights": list(available),
            **({"store": False} if self.archive else {}),
        }

    def denoise(self, image: Path, request: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
        """Denoise an image or a series into a temporary file, which is the caller's to remove.

        Args:
            image: a file, whose result has its format, type and geometry (of a JPEG, a PNG); or a folder that holds
                one DICOM series, whose result is NIfTI in float32, in the units of the series' rescale.
            request: what the client chose; see ``DenoisingSettings``.

        Returns:
            The file, and what was done: the settings, and ``stored``, the series' UID, if it was put into the archive.

        Raises:
            ValueError: if the image cannot be denoised, a setting is none of those offered or weights are missing.
        """
        settings = DenoisingSettings.of(request, self.options())
        denoiser = self.load(settings)
        done = {"modality": settings.modality, "strength": settings.strength, "perception": settings.perception}
        done["weights"], done["debias"] = settings.weights, settings.debias
        done["noise_level"] = settings.noise_level
        with tempfile.TemporaryDirectory(prefix="monai_gan_denoise_") as folder:
            with progress_in_log(denoiser.network, image.name):
                evaluator = denoiser.run(
                    image,
                    Path(folder) / "denoised",
                    modality=settings.modality,
                    strength=settings.strength,
                    debias=settings.debias,
                    noise_level=settings.noise_level,
                )
            if failures := [outcome.failure for outcome in evaluator.outcomes if outcome.failure]:
                raise InputError(failures[0].replace(*FOR_CLIENTS))
            if len(evaluator.outcomes) > 1:
                raise InputError(f"image must be one series, got {len(evaluator.outcomes)} in {image}. Pass one.")
            outputs = [Path(output) for output in evaluator.outcomes[0].outputs]
            if image.is_file():
                return _kept(outputs[0]), done
            if settings.store and self.archive:
                done["stored"] = self.archive(outputs)
            return _kept(_write_nifti(read_scan(outputs), Path(folder) / "denoised.nii.gz")), done

    def load(self, settings: DenoisingSettings | None = None) -> Denoiser:
        """Load the network, unless the last request had the same one.

        Args:
            settings: those of a request without choices if None.

        Raises:
            ValueError: if the weights cannot be used.
        """
        chosen = settings or DenoisingSettings.of({}, self.options())
        weights = available_weights(self.app_dir)[chosen.weights]
        written = weights.stat().st_mtime_ns if weights.is_file() else None  # trained anew, or taken away
        wanted = (weights, written, chosen.perception, chosen.device)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = (wanted, Denoiser(weights, chosen.device, perception=chosen.perception))
        return self._loaded[1]


def _write_nifti(scan: Scan, path: Path) -> Path:
    """Write a series as ITK converts it, columns first, so that it lies voxel by voxel on what clients were given."""
    values = np.swapaxes(np.atleast_3d(scan.values), 0, 1)
    image = nibabel.Nifti1Image(values, scan.affine[:, [1, 0, 2, 3]])
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return path


def _kept(path: Path) -> Path:
    """Move a result to a temporary name that outlives the folder, since MONAI Label removes one file."""
    handle, name = tempfile.mkstemp(prefix="denoised_", suffix="".join(path.suffixes[-2:]))
    os.close(handle)
    return path.replace(name)
