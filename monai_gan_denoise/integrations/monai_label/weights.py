"""The weights that an app can serve: the bundle's, and those that it has been trained to."""

from __future__ import annotations

import shutil
from pathlib import Path

from monai_gan_denoise.io import packaged_bundle, whole_file

__all__ = ["BUNDLE", "TRAINED", "available_weights", "publish_weights"]

TRAINED, BUNDLE = "trained", "bundle"
FILES = ("model_fidelity.pt", "model.pt")  # the order in which they are replaced: the one that decides comes last


def available_weights(app_dir: Path) -> dict[str, Path]:
    """Name the weights that there are, those to be used by default first.

    Args:
        app_dir: the app's folder, whose ``model`` holds what was trained.
    """
    trained = app_dir / "model" / "model.pt"
    found = {TRAINED: trained} if trained.is_file() else {}
    return {**found, BUNDLE: packaged_bundle() / "models" / "model.pt"}


def publish_weights(run: Path, app_dir: Path) -> Path:
    """Let an app serve what a training run has left.

    Args:
        run: folder with ``model.pt`` and, from before the adversarial stage, ``model_fidelity.pt``.
        app_dir: the app's folder.

    Returns:
        The weights that the app serves from now on.
    """
    target = app_dir / "model"
    for name in FILES:
        if (run / name).is_file():
            with whole_file(target / name) as partial:
                shutil.copyfile(run / name, partial)
        else:  # what belongs to other weights is not kept beside these
            (target / name).unlink(missing_ok=True)
    return target / FILES[-1]
