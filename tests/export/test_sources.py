"""Claims about the code that goes with an exported bundle: all that it needs, under its new name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import monai_gan_denoise
from monai_gan_denoise.export import needed_sources, renamed

PACKAGE = Path(monai_gan_denoise.__file__).parent
CONFIG = '{"_target_": "monai_gan_denoise.networks.GanDenoiser", "imports": ["$import monai_gan_denoise.io as io"]}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import monai_gan_denoise.io as io", "import scripts.io as io"),
        ("import monai_gan_denoise", "import scripts"),
        ("    from monai_gan_denoise.networks import load_weights", "    from scripts.networks import load_weights"),
        ("from monai_gan_denoise import __version__, phantoms", "from scripts import __version__, phantoms"),
        ('"_target_": "monai_gan_denoise.networks.GanDenoiser"', '"_target_": "scripts.networks.GanDenoiser"'),
        ('"$import monai_gan_denoise.io as io"', '"$import scripts.io as io"'),
    ],
)
def test_the_package_is_renamed_where_it_is_imported(text: str, expected: str) -> None:
    assert renamed(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'description=f"monai_gan_denoise {__version__}, weights"',
        'tempfile.mkdtemp(prefix="monai_gan_denoise_samples_")',
        '"authors": "The monai_gan_denoise developers"',
        "import not_monai_gan_denoise.io",
    ],
)
def test_the_package_keeps_its_name_where_a_text_names_it(text: str) -> None:
    assert renamed(text) == text


def test_a_module_comes_with_all_it_imports_and_the_packages_around_it() -> None:
    found = {path.as_posix() for path in needed_sources("monai_gan_denoise.samples.temporary_samples")}
    assert {"__init__.py", "samples.py", "phantoms.py", "io/__init__.py", "io/dicom/reader.py"} <= found
    assert {"simulation/simulate.py", "transforms/noise/laws.py"} <= found  # by way of simulation


def test_a_module_that_is_named_for_others_to_import_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'add_plugin("ours", ("monai_gan_denoise.io.raster.tiff", "decode"))  # not "monai_gan_denoise.cli"'
    monkeypatch.setattr(Path, "read_text", lambda self, **_: text if self.name == "phantoms.py" else "")
    found = {path.as_posix() for path in needed_sources("monai_gan_denoise.phantoms.head")}
    assert found == {"__init__.py", "phantoms.py", "io/__init__.py", "io/raster/__init__.py", "io/raster/tiff.py"}


def test_what_no_configuration_needs_stays_behind() -> None:
    parts = {path.parts[0] for path in needed_sources(CONFIG)}
    assert {"io", "networks"} <= parts
    assert not parts & {"cli.py", "benchmark", "training.py", "ablation", "export", "integrations"}


def test_no_renamed_source_imports_the_package_and_none_is_missing(bundle_root: Path) -> None:
    config = "\n".join(path.read_text(encoding="utf-8") for path in (bundle_root / "configs").glob("*.json"))
    sources = needed_sources(config)
    modules = {".".join(("scripts", *path.with_suffix("").parts)).removesuffix(".__init__") for path in sources}
    for source in sources:
        for node in ast.walk(ast.parse(renamed((PACKAGE / source).read_text(encoding="utf-8")))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] != "monai_gan_denoise", source
                assert name.split(".")[0] != "scripts" or name in modules, source


def test_what_catches_everything_can_raise_it_again(bundle_root: Path) -> None:
    # B036 of flake8-bugbear, which the model zoo's CI runs over every bundle, and which ruff does not have.
    config = "\n".join(path.read_text(encoding="utf-8") for path in (bundle_root / "configs").glob("*.json"))
    handlers = [
        (source, handler)
        for source in needed_sources(config)
        for handler in ast.walk(ast.parse((PACKAGE / source).read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler)
        if handler.type is None or ast.unparse(handler.type) == "BaseException"
    ]
    assert handlers
    for source, handler in handlers:
        assert any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler)), source
