"""The app as a folder of its own, which can be carried to the machine that serves it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from monai_gan_denoise.io import packaged_bundle, packaged_presets
from monai_gan_denoise.scans.errors import InputError

__all__ = ["write_label_app"]

logger = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1]
# What an installed package holds inside itself, a clone beside it, and an app beside it too.
BESIDE = ("bundle", "configs")
OWN = ("main.py", "environment.py", "requirements.txt", "requirements-no-deps.txt", "shims")


def write_label_app(folder: str | Path, link: bool = False) -> Path:
    """Write the app: what MONAI Label loads, this package, the bundle with its weights, and how to install the rest.

    Args:
        folder: absent or empty; it appears whole or not at all.
        link: link to this installation instead of copying it, so that changes show at the next start.

    Returns:
        ``folder``.

    Raises:
        InputError: if ``folder`` is a file or holds anything.
    """
    target = Path(folder)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"FOLDER must be absent or empty, got {target}. Name another.")
    put: Callable[[Path, Path], object] = _link if link else _copy
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial-{target.name}-{uuid4().hex}")
    try:
        partial.mkdir()
        for name in OWN:
            put(HERE / name, partial / name)
        put(PACKAGE, partial / PACKAGE.name)
        put(packaged_bundle(), partial / "bundle")
        put(packaged_presets(), partial / "configs")
        if target.exists():
            target.rmdir()  # which is empty; a rename onto a folder fails on Windows
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    logger.info("The app is in %s. Install what it needs: python %s", target, target / "environment.py")
    return target


def _link(source: Path, target: Path) -> None:
    target.symlink_to(source, target_is_directory=source.is_dir())


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_left_out)
    else:
        shutil.copyfile(source, target)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Leave out what compiling left, and of the package what lies beside it in an app."""
    inside = set(BESIDE) if Path(folder) == PACKAGE else set()
    return inside.union(name for name in names if name == "__pycache__") & set(names)
