"""What a run that died has left in a folder: moved to its place if it was whole, removed if not."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from monai_gan_denoise.io.atomic import LOCK, PARTIAL, UNFINISHED, WHOLE, empty, move_on

__all__ = ["remove_leftovers"]

TEMPORARY = re.compile(re.escape(PARTIAL) + r"[a-z0-9_]{8}")  # what tempfile.mkdtemp makes of the prefix


def remove_leftovers(folder: Path, below: bool = True) -> int:
    """Clear temporary folders that dead writers left in a folder.

    Those of writers that live, here or on another machine that shares the folder, are locked, and stay; so does
    whatever else bears a similar name.

    Args:
        folder: where to look; links are not followed.
        below: look in its subfolders too.

    Returns:
        How many were cleared.
    """
    cleared = 0
    for parent, names, _ in os.walk(folder):
        found = [name for name in names if TEMPORARY.fullmatch(name)]
        names[:] = [name for name in names if below and name not in found]
        cleared += sum(_clear(Path(parent) / name) for name in found)
    return cleared


def _clear(temporary: Path) -> bool:
    """Clear one temporary folder unless its writer lives or it is not one."""
    try:
        inside = {entry.name for entry in temporary.iterdir()}
        if not inside:
            temporary.rmdir()  # its writer, if it lives, has not locked it yet and makes another
            return True
        if LOCK not in inside or not inside <= {LOCK, UNFINISHED, WHOLE}:
            return False
        with FileLock(temporary / LOCK, timeout=0):
            if WHOLE in inside:
                move_on(temporary)
            empty(temporary)
            shutil.rmtree(temporary)
    except (Timeout, OSError):  # alive, or another user's: it stays
        return False
    return True
