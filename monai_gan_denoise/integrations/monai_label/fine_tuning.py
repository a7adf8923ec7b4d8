"""From the final labels of a datastore to weights that are served; knows nothing of MONAI Label."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_gan_denoise.integrations.monai_label.options import check_number, choose, modalities
from monai_gan_denoise.integrations.monai_label.training_data import LESSONS, write_lessons
from monai_gan_denoise.integrations.monai_label.weights import publish_weights
from monai_gan_denoise.io import packaged_presets
from monai_gan_denoise.training import train

__all__ = ["FineTuning"]

logger = logging.getLogger(__name__)

PRESET = "finetune"
MAX_ITERATIONS = 1_000_000
MAX_MINUTES = 7 * 24 * 60.0


class FineTuning:
    """Adapt the bundle's weights by the preset finetune; what comes out is served from the next request on.

    A client chooses from a few numbers only: settings of a configuration are code.

    Args:
        app_dir: the app's folder; a run gets a folder of its own below its ``model``.
        modality: of the images, unless a request says otherwise.
    """

    def __init__(self, app_dir: Path, modality: str = "auto") -> None:
        self.app_dir = app_dir
        self.modalities = modalities(modality)
        self.preset = ConfigParser.load_config_file(str(packaged_presets() / f"{PRESET}.yaml"))

    def options(self) -> dict[str, Any]:
        """Name what a client may choose, with the defaults; of a list its first."""
        return {
            "modality": self.modalities,
            "lessons": list(LESSONS),
            "iterations": self.preset["iterations"],
            "minutes": 30.0,
        }

    def run(self, request: Mapping[str, Any], datalist: Sequence[Mapping[str, str]]) -> Path:
        """Train, and serve the weights.

        Args:
            request: what the client chose of the options.
            datalist: see ``write_lessons``.

        Returns:
            The weights that are served from now on.

        Raises:
            ValueError: if an option or a label cannot be used.
            RuntimeError: if the training had to stop before it had weights.
        """
        chosen = choose(request, self.options())
        iterations = int(check_number("iterations", chosen["iterations"], 1, MAX_ITERATIONS))
        minutes = check_number("minutes", chosen["minutes"], 0.1, MAX_MINUTES)
        epoch_length = max(1, iterations * self.preset["epoch_length"] // self.preset["iterations"])
        run = self.app_dir / "model" / f"{datetime.now():%Y%m%d-%H%M%S}"
        code = train(
            write_lessons(datalist, chosen["modality"], chosen["lessons"], run),
            run,
            preset=PRESET,
            minutes=minutes,
            settings=(f"iterations={iterations}", f"epoch_length={epoch_length}"),
        )
        if code:
            raise RuntimeError(f"training must end with weights, got exit code {code} in {run}. The log says why.")
        weights = publish_weights(run, self.app_dir)
        logger.info("The next request is denoised by %s.", weights)
        return weights
