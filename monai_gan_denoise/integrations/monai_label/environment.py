"""Build the virtual environment that serves this app with MONAI Label: ``python environment.py [FOLDER]``.

MONAI Label pins versions that contradict what the denoiser runs on, so it is installed without its dependencies, and
those that it uses are listed beside this file. Two of them need help, see ``shims``. A virtual environment that exists
is completed. This file uses Python's own library only, since it runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["build_environment"]

HERE = Path(__file__).absolute().parent
PROGRAMS, PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
HOOK = "torchvision_operators"


def build_environment(folder: Path) -> Path:
    """Install MONAI Label and what it needs.

    Args:
        folder: of the virtual environment; made if absent.

    Returns:
        The folder of its programs, ``monailabel`` among them.

    Raises:
        subprocess.CalledProcessError: if pip fails; it has said why.
    """
    if not (folder / "pyvenv.cfg").is_file():
        venv.create(folder, with_pip=True)
    python = folder / PROGRAMS / PYTHON
    install: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*install, "-r", HERE / "requirements.txt"], check=True)
    subprocess.run([*install, "--no-deps", "-r", HERE / "requirements-no-deps.txt"], check=True)
    asked: list[str | Path] = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    for shim in (HERE / "shims").glob("*.py"):
        shutil.copyfile(shim, packages / shim.name)
    (packages / f"{HOOK}.pth").write_text(f"import {HOOK}\n", encoding="utf-8")
    return folder / PROGRAMS


if __name__ == "__main__":
    programs = build_environment(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else HERE / ".venv")
    sys.stdout.write(f"{programs / 'monailabel'} start_server --app {HERE} --studies STUDIES --host 127.0.0.1\n")
