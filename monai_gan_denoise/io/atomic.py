"""Files that appear whole or not at all.

They are written in a temporary folder beside their place, and renamed. While they are written it holds:

    .partial-XXXXXXXX/lock          locked for as long as the writer lives
    .partial-XXXXXXXX/unfinished/   the files, where they are to be relative to the folder's own place
    .partial-XXXXXXXX/whole/        the same, renamed once all are written: whoever finds it there moves it on

so that a series is wanted as a whole, or not at all, at any moment its writer may die; see ``leftovers``.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock

__all__ = ["LOCK", "PARTIAL", "UNFINISHED", "WHOLE", "empty", "move_on", "undisturbed", "whole_file", "whole_files"]

PARTIAL, LOCK, UNFINISHED, WHOLE = ".partial-", "lock", "unfinished", "whole"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name, which becomes ``path`` if the block ends well and vanishes if not."""
    with whole_files([path]) as (partial,):
        yield partial


@contextmanager
def whole_files(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield a temporary path for each path; if the block ends well all take their places, if not they all vanish.

    A folder that does not exist yet appears with all of its files at once. In one that does, the files are renamed one
    right after the other; if the program dies between, the next run's ``remove_leftovers`` renames the others. Files of
    several folders have a temporary folder each. What stood under a name is replaced, a link by a file.
    """
    with ExitStack() as stack:
        partials = {}
        for folder in dict.fromkeys(path.parent for path in paths):
            unfinished = stack.enter_context(_appearing(folder))
            partials.update({path: unfinished / path.name for path in paths if path.parent == folder})
        yield [partials[path] for path in paths]


def move_on(temporary: Path) -> None:
    """Move the whole files of a temporary folder to their places beside it."""
    _move(temporary / WHOLE, temporary.parent)


def empty(temporary: Path) -> None:
    """Remove all of a temporary folder but its lock, which goes last: by it a folder is known for what it is."""
    for name in (UNFINISHED, WHOLE):
        shutil.rmtree(temporary / name, ignore_errors=True)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder, whose files go to ``folder`` if the block ends well."""
    place = folder = folder.resolve()
    while not place.is_dir():
        if place.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
        place = place.parent
    temporary: Path | None = None
    try:
        with undisturbed():
            temporary = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=place))
            lock = FileLock(temporary / LOCK, thread_local=False)
            lock.acquire()  # which makes the folder again, if it was taken for a dead run's before it was locked
        unfinished = temporary / UNFINISHED / folder.relative_to(place)
        unfinished.mkdir(parents=True)
        yield unfinished
        with undisturbed():
            os.replace(temporary / UNFINISHED, temporary / WHOLE)
            move_on(temporary)
    finally:
        with undisturbed():
            if temporary is not None:
                empty(temporary)
                lock.release()
                shutil.rmtree(temporary, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Rename a file, or a folder; where there is such a folder already, what is in it."""
    if not source.is_dir():
        os.replace(source, target)
        return
    with suppress(OSError):  # there is one, with files in it
        os.rename(source, target)
        return
    for entry in sorted(source.iterdir()):
        _move(entry, target / entry.name)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put SIGINT and SIGTERM off until the end of a short block, which they would otherwise leave half done.

    In another thread than the main one no signal is handled, and none has to wait.
    """
    caught: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if (handler := signal.getsignal(number)) is not None:  # None: not Python's to give back
                before[number] = handler
                signal.signal(number, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in caught:
            signal.raise_signal(late)
