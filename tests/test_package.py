"""Claims about what is installed: the built wheel, alone, away from the clone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from monai_gan_denoise import __version__
from monai_gan_denoise.benchmark.learned import weights_file

CLONE = Path(__file__).parents[1]
LISTING = (
    "import monai_gan_denoise, pathlib, sys; sys.stdout.write(str(pathlib.Path(monai_gan_denoise.__file__).parent))"
)


def pins() -> dict[str, str]:
    """The versions in constraints.txt by normalized name."""
    lines = (CLONE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normalized(name): version for name, version in pairs}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CLONE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's content and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(pip, cwd=target, capture_output=True, check=True)
    return target


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Run Python away from the clone, with the wheel's content in front of the clone's."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_wheel_installed_alone_holds_what_the_clone_holds(installed: Path, tmp_path: Path) -> None:
    package = Path(run(installed, tmp_path, "-c", LISTING))
    assert package == installed / "monai_gan_denoise"
    for folder in ("bundle", "configs"):
        shipped = [path for path in (CLONE / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert shipped, f"{folder} is empty in the clone"
        for path in shipped:
            assert (package / folder / path.relative_to(CLONE / folder)).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_every_command_works_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    command = ("-c", "from monai_gan_denoise.cli import main; main()")
    assert __version__ in run(installed, tmp_path, *command, "--version")
    run(installed, tmp_path, *command, "samples", "samples")
    run(installed, tmp_path, *command, "denoise", "samples/us/noisy", "out", "--modality", "us")
    assert (tmp_path / "out" / "sector.png").read_bytes() != (tmp_path / "samples/us/noisy/sector.png").read_bytes()
    config = installed / "monai_gan_denoise" / "bundle" / "configs" / "inference.json"
    settings = ("--dataset_dir", "samples/oct/noisy", "--output_dir", "bundled", "--modality", "oct")
    run(installed, tmp_path, "-m", "monai.bundle", "run", "--config_file", str(config), *settings)
    assert (tmp_path / "bundled" / "macula.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "bundle/LICENSE",
        "bundle/configs/inference.json",
        "bundle/configs/metadata.json",
        "bundle/configs/logging.conf",
        "bundle/models/model.pt",
        "bundle/models/model_fidelity.pt",
        "benchmark/report/templates/page.html",
        "benchmark/report/templates/page.css",
        "benchmark/report/templates/page.js",
        "py.typed",
    ],
)
def test_wheel_holds_what_its_commands_read(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(f"monai_gan_denoise/{name}").file_size > 0 or name == "py.typed"


@pytest.mark.slow
def test_wheel_leaves_tests_and_runs_out(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"monai_gan_denoise"}


def test_the_wheel_is_told_to_leave_the_weights_of_the_benchmark_out() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))
    excluded = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    assert excluded == [f"/{weights_file('dncnn').parent.relative_to(CLONE)}"]


def test_every_dependency_is_pinned_and_permitted() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [project["optional-dependencies"][extra] for extra in ("train", "bench", "onnx", "openvino", "test")]
    wanted = [re.split(r"[<>=;\[ ]", line)[0] for line in sum(extras, project["dependencies"])]
    names = {normalized(name) for name in wanted} - {"monai-gan-denoise"}
    assert names <= set(pins())
    assert "pylibjpeg-libjpeg" not in set(pins()) | names  # GPLv3
    assert not [name for name in pins() if name.startswith(("nvidia", "cuda", "triton"))]


def test_bundle_names_the_versions_that_are_tested(bundle_root: Path) -> None:
    metadata = json.loads((bundle_root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    named = {
        name: metadata[f"{key}_version"] for name, key in (("monai", "monai"), ("torch", "pytorch"), ("numpy",) * 2)
    }
    named.update(metadata["required_packages_version"])
    named.pop("monai-gan-denoise")
    assert {normalized(name): version for name, version in named.items()}.items() <= pins().items()


def test_bundle_license_is_the_repository_license(bundle_root: Path) -> None:
    text = (CLONE / "LICENSE").read_bytes()
    assert b"Apache License" in text
    assert (bundle_root / "LICENSE").read_bytes() == text
