"""Claims about the package as a whole, read from its source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monai_gan_denoise"
SOURCES = sorted(PACKAGE.rglob("*.py"))
GROUND = "scans"  # which all may import
LEAVES = {"io", "transforms", "networks", "losses", "metrics"}

# Which parts of the package a part may import, besides itself. The bundle's configs reach the leaves by `_target_`.
# Names from the package's own __init__, such as the version, are free to all.
ALLOWED: dict[str, set[str]] = {
    "scans": set(),
    **{leaf: set() for leaf in LEAVES},
    "phantoms": set(),
    "engines": {"io"},
    "backends": {"networks"},
    "inference": {"engines", "io"},
    "preprocessing": {"inference", "io"},
    "samples": {"io", "phantoms", "simulation"},
    "simulation": {"engines", "io", "phantoms", "transforms"},
    "training": LEAVES | {"engines"},
    "curves": {"io", "terminal"},
    "export": LEAVES,
    "ablation": {"io"},
    "benchmark": LEAVES | {"backends", "inference", "phantoms"},
    "evaluation": {"benchmark", "io", "metrics", "transforms"},
    "integrations": {"inference", "io", "networks", "training"},
    "terminal": set(),
    "law_options": {"simulation", "terminal"},
    "options": set(),
    "cli": {
        "ablation",
        "benchmark",
        "evaluation",
        "export",
        "inference",
        "integrations",
        "law_options",
        "options",
        "samples",
        "simulation",
        "terminal",
        "training",
    },
    "__init__": {"inference", "preprocessing"},  # Denoiser and GanDenoised, imported when they are asked for
}

every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))


def part_of(source: Path) -> str:
    return source.relative_to(PACKAGE).parts[0].removesuffix(".py")


def own_imports(tree: ast.AST) -> Iterator[str]:
    """The parts of the package that are imported anywhere in a tree."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "monai_gan_denoise":
            names = [f"monai_gan_denoise.{alias.name}" for alias in node.names if alias.name != "__version__"]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            root, _, rest = name.partition(".")
            if root == "monai_gan_denoise" and rest:
                yield rest.split(".")[0]


def parse(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))


@every_source
def test_imports_run_one_way(source: Path) -> None:
    part = part_of(source)
    assert part in ALLOWED, f"{part} has no place in the layering"
    assert set(own_imports(parse(source))) <= ALLOWED[part] | {part, GROUND}


def test_the_files_that_contributors_are_sent_to_exist() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Where things are")[2].partition("\n## ")[0]
    paths = re.findall(r"`([\w/]+\.py)`", section)
    assert len(paths) > 10
    assert not [path for path in paths if not (PACKAGE / path).is_file()]


@every_source
def test_imports_are_absolute(source: Path) -> None:
    relative = [node for node in ast.walk(parse(source)) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative


def test_command_line_imports_a_command_when_it_runs() -> None:
    for statement in parse(PACKAGE / "cli.py").body:
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            assert set(own_imports(statement)) <= {"law_options", "options", "terminal"}


@every_source
def test_nothing_but_the_command_line_prints(source: Path) -> None:
    calls = [node.func for node in ast.walk(parse(source)) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert not prints or part_of(source) == "cli"


@every_source
def test_no_class_is_named_as_what_hosts_strip(source: Path) -> None:
    names = [node.name for node in ast.walk(parse(source)) if isinstance(node, ast.ClassDef)]
    assert not [name for name in names if "LoadImage" in name or "SaveImage" in name]


@every_source
def test_no_file_passes_300_lines(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 300


@every_source
def test_no_error_is_swallowed_unnamed(source: Path) -> None:
    handlers = [node for node in ast.walk(parse(source)) if isinstance(node, ast.ExceptHandler)]
    assert all(handler.type is not None for handler in handlers)


def test_importing_the_package_is_cheap() -> None:
    heavy = "{'torch', 'monai', 'matplotlib', 'numpy', 'ignite'}"
    program = f"import sys, monai_gan_denoise; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_reader_of_imports_finds_every_form() -> None:
    source = "import monai_gan_denoise.io.scan\nfrom monai_gan_denoise import engines\nimport torch.nn\n"
    nested = "def run():\n    from monai_gan_denoise.networks import Generator\n"
    assert list(own_imports(ast.parse(source + nested))) == ["io", "engines", "networks"]
