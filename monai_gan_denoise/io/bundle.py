"""Where the bundle lies: beside the configuration that is running, else the one that came with the package."""

from __future__ import annotations

import inspect
from pathlib import Path

from monai.bundle import ConfigWorkflow

__all__ = ["packaged_bundle", "packaged_presets", "running_bundle"]

PACKAGE = Path(__file__).resolve().parent.parent


def packaged_bundle() -> Path:
    """Find the bundle inside the installed package, beside it in a clone, or around it in an exported bundle."""
    around = PACKAGE.parent
    return around if (around / "configs" / "inference.json").is_file() else _packaged("bundle")


def packaged_presets() -> Path:
    """Find the folder of presets for training, as the bundle is found."""
    return _packaged("configs")


def running_bundle() -> str:
    """Find the root of the bundle whose configuration is being parsed.

    MONAI leaves ``bundle_root`` to the configuration, where "." means the current folder, so that a run from anywhere
    else finds no weights. The workflow that parses the configuration knows its folder and is a caller of this function.
    """
    frame = inspect.currentframe()
    while frame is not None:
        workflow = frame.f_locals.get("self")
        if isinstance(workflow, ConfigWorkflow):
            folder = Path(workflow.config_root_path).resolve()
            return str(folder.parent if folder.name == "configs" else folder)
        frame = frame.f_back
    return str(packaged_bundle())


def _packaged(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
