"""A file that is never asked for more bytes than it holds, whatever a damaged length in it claims."""

from __future__ import annotations

import io
from pathlib import Path

__all__ = ["BoundedFile"]

SMALL = 1 << 20  # bytes; as much is taken on trust, since asking where the stream stands costs more


class BoundedFile(io.BufferedReader):
    """A file to read, for parsers such as pydicom's, which ask for what an element's length says.

    Python takes memory for all that ``read`` is asked for before it reads: up to 4 GB for a wrong length.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(str(path)))  # whose name pydicom takes for a text
        self._size = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, fewer at the end of the file."""
        if size is not None and size > SMALL:
            size = min(size, max(self._size - self.tell(), 0))
        return super().read(size)
