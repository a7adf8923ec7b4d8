"""Other programs: run to their end, or started on a port and ended with the test. One that is absent is a failure."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

LIMIT = 60  # seconds that any program may take; each needs a few at most


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """Run a program to its end and give what it says."""

    def run(name: str, *arguments: object) -> str:
        words = [_found(name), *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def serve() -> Iterator[Callable[..., None]]:
    """Start a server that listens on a port of this machine; it ends with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(port: int, name: str, *arguments: object) -> None:
        words = [_found(name), *map(str, arguments)]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(server)
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.1)
        raise RuntimeError(f"{name} must listen on port {port}, ended with {server.poll()}.")

    yield start
    for server in running:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(LIMIT / 4)
        server.kill()
        server.wait()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _found(name: str) -> str:
    # Not beside Python: python-gdcm puts programs of GDCM's names there that say nothing.
    folders = [folder for folder in os.environ["PATH"].split(":") if folder != str(Path(sys.executable).parent)]
    path = shutil.which(name, path=":".join([*folders, "/usr/sbin"]))
    assert path, f"{name} must be installed. Let .ci/run install what it comes with."
    return path
