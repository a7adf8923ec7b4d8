"""Checks that several formats share, and that come before memory is taken or a file is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monai_gan_denoise.io.memory import available_memory
from monai_gan_denoise.scans.errors import InputError

__all__ = ["MAX_DEFLATE_RATIO", "MAX_SLICE", "check_claim", "check_memory", "check_shape", "check_slice", "check_start"]

MAX_DEFLATE_RATIO = 1032  # deflate codes at most 258 bytes in 2 bits (zlib, "Technical Details")
MAX_SLICE = 178_956_970  # pixels; where Pillow too stops, and nine times the largest mammograms and radiographs
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


def check_slice(shape: Sequence[int], path: Path) -> None:
    """Refuse slices of a size that no scanner makes, before anything of that size is allocated.

    Args:
        shape: pixels along the axes as the header claims them; of three and more, any two of the first three may span
            the slices.
        path: the file.

    Raises:
        InputError: if slices may have more than ``MAX_SLICE`` pixels.
    """
    if math.prod(sorted(shape[:3])[-2:]) > MAX_SLICE:
        size = " x ".join(map(str, shape))
        raise InputError(f"slices must have at most {MAX_SLICE} pixels, got {size} in {path}. Cut it into parts.")


def check_memory(needed: int, path: Path) -> None:
    """Refuse what cannot be in memory, before it is tried: an archive can unpack to a thousand times its size.

    Args:
        needed: bytes that are to be in memory at once.
        path: the file.

    Raises:
        InputError: if this process cannot have so much.
    """
    available = available_memory()
    if needed > available:
        sizes = f"{needed >> 20} MiB of {available >> 20} MiB available"
        raise InputError(f"images must fit into memory, got {sizes} for {path}. Cut it into parts.")


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
