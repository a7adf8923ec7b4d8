"""The code that a bundle's configurations need, found by its imports and moved to the package ``scripts``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SCRIPTS", "needed_sources", "renamed"]

PACKAGE = Path(__file__).resolve().parents[1]
NAME, SCRIPTS = PACKAGE.name, "scripts"
DOTTED = re.compile(rf"\b{NAME}(?:\.\w+)+")
# The package where it is imported or gives something's path; not where a text only says who wrote it.
RENAMED = re.compile(rf"\b{NAME}(?=\.\w)|(?<=\bfrom ){NAME}(?= import\b)|(?<=\bimport ){NAME}\b")


def renamed(text: str) -> str:
    """Replace the package's name by ``scripts`` in the text of a module or a configuration."""
    return RENAMED.sub(SCRIPTS, text)


def needed_sources(config: str) -> list[Path]:
    """Find the modules that a configuration names, and all that those import, at their start, later or by name.

    Args:
        config: text of the configuration; its ``_target_``s and imports are found by the package's name.

    Returns:
        Paths relative to the package, sorted; packages are there as their ``__init__.py``.
    """
    found: set[Path] = set()
    names = list(DOTTED.findall(config))
    while names:
        for path in _files(names.pop()):
            if path not in found:
                found.add(path)
                names += _imported(path)
    return sorted(path.relative_to(PACKAGE) for path in found)


def _files(name: str) -> Iterator[Path]:
    """Give the files that importing a dotted name runs; its last part may be what a module holds."""
    folder = PACKAGE.parent
    for part in name.split("."):
        module, package = folder / f"{part}.py", folder / part / "__init__.py"
        if package.is_file():
            yield package
            folder /= part
        else:
            if module.is_file():
                yield module
            return


def _imported(path: Path) -> Iterator[str]:
    """Give the dotted names of this package that a module imports, or hands over as a text for a library to import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
            names = [node.value]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == NAME)
