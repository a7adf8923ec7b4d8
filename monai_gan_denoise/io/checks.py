"""Checks that several formats share, and that come before memory is taken or a file is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.scan import InputError

__all__ = ["MAX_DEFLATE_RATIO", "check_claim", "check_shape", "check_start"]

MAX_DEFLATE_RATIO = 1032  # deflate codes at most 258 bytes in 2 bits (zlib, "Technical Details")
START = 26  # bytes: the longest signature, and PNG's first chunk as far as its color type


def check_start(path: Path, signatures: Sequence[bytes]) -> bytes:
    """Refuse a file whose first bytes are not its format's.

    Args:
        path: the file.
        signatures: how files of the format begin.

    Returns:
        The first 26 bytes, fewer if the file is shorter.

    Raises:
        InputError: if the file begins otherwise.
    """
    with path.open("rb") as stream:
        start = stream.read(START)
    if not start.startswith(tuple(signatures)):
        raise InputError(f"files must be what their suffix says, got {start[:8]!r} at the start of {path}. Rename it.")
    return start


def check_claim(claimed: int, held: int, path: Path) -> None:
    """Refuse a header that claims more than its file can hold, so that the claim alone never takes memory.

    Args:
        claimed: bytes that the header claims.
        held: bytes that the file holds at most once it is unpacked.
        path: the file.

    Raises:
        InputError: if ``claimed`` is larger than ``held``.
    """
    if claimed > held:
        raise InputError(
            f"files must hold the {claimed} bytes their header claims, got at most {held} in {path}. "
            "It is truncated or its header is wrong; copy or convert it again."
        )


def check_shape(removed: npt.NDArray[np.floating], shape: tuple[int, ...], path: Path) -> None:
    """Refuse to take away what has another shape than its source.

    Args:
        removed: what is to be taken away from ``Scan.values``.
        shape: that of ``Scan.values``.
        path: the source.

    Raises:
        ValueError: if the shapes differ.
    """
    if removed.shape != shape:
        raise ValueError(f"removed must have the source's shape {shape}, got {removed.shape} for {path}. Reshape it.")
