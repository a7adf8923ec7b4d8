"""How much memory is left."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["available_memory"]

MEMINFO = Path("/proc/meminfo")
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")  # version 2 of control groups


def available_memory(meminfo: Path = MEMINFO, container_limit: Path = CONTAINER_LIMIT) -> int:
    """Tell how many bytes could be taken now: what Linux has free or frees easily, within the container's limit.

    Args:
        meminfo: where Linux tells the first.
        container_limit: where it tells the second.

    Returns:
        ``sys.maxsize`` on systems that tell neither.
    """
    free = re.search(r"^MemAvailable:\s+(\d+) kB", _text(meminfo), re.MULTILINE)
    limit = _text(container_limit).strip()  # "max" where there is none
    return min(
        int(free.group(1)) * 1024 if free else sys.maxsize,
        int(limit) if limit.isdigit() else sys.maxsize,
    )


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
