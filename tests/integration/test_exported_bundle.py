"""The exported bundle where nothing of ours is installed, run by MONAI's own commands and the model zoo's test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from monai_gan_denoise import Denoiser
from monai_gan_denoise.export import export_bundle

pytestmark = pytest.mark.integration

SCHEMA = Path(__file__).parents[3] / "shared" / "meta_schema.json"
ZOO_TEST = Path(__file__).parents[1] / "export" / "zoo_unit.py"
NAME = "medical_image_denoising"
CT = str(get_testdata_file("CT_small.dcm", download=False))
TINY = {
    "network_def#features": "[8,8]",
    "network_def#refinement_features": 8,
    "d_network_def#features": 8,
    **{"iterations": 2, "epoch_length": 1, "images_per_batch": 2, "patches_per_image": 2, "patch_size": 32},
    **{"device": "cpu", "tensorboard": False},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(tmp_path_factory.mktemp("zoo") / "models" / NAME)


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with every library of this one, by links, but this package."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "monai_gan_denoise" not in path.name:
            (packages / path.name).symlink_to(path)
    python = folder / "bin" / "python"
    program = "import importlib.util as u, sys; sys.exit(u.find_spec('monai_gan_denoise') is not None)"
    run(python, folder, "-c", program)
    return python


def run(python: Path, folder: Path, *arguments: object) -> str:
    """Run Python in a folder, and give what it printed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


def bundle(python: Path, folder: Path, *arguments: object) -> str:
    return run(python, folder, "-m", "monai.bundle", *arguments)


def test_it_denoises_from_any_folder_as_the_package_does(bare_python: Path, exported: Path, tmp_path: Path) -> None:
    settings = ("--dataset_dir", CT, "--output_dir")
    config = exported / "configs" / "inference.json"
    bundle(bare_python, tmp_path, "run", "--config_file", config, *settings, "from_elsewhere")
    rooted = ("--bundle_root", exported, *settings, tmp_path / "from_root")
    bundle(bare_python, exported, "run", "--config_file", "configs/inference.json", *rooted)
    Denoiser().run(CT, tmp_path / "by_package")
    results = [
        pydicom.dcmread(tmp_path / name / "CT_small.dcm") for name in ("from_elsewhere", "from_root", "by_package")
    ]
    assert results[0].PixelData == results[1].PixelData == results[2].PixelData != pydicom.dcmread(CT).PixelData
    assert len({result.SOPInstanceUID for result in results}) == 1


def test_it_writes_its_own_samples_and_figures(bare_python: Path, exported: Path, tmp_path: Path) -> None:
    printed = bundle(bare_python, tmp_path, "run", "--config_file", exported / "configs" / "inference.json")
    assert "6 of 6 scans denoised, 0 failed." in printed
    assert {path.stem for path in (tmp_path / "denoised").glob("*.png")} == {"ct", "mr", "xr", "us", "oct"}


def test_its_code_is_a_python_package_with_its_weights(bare_python: Path, exported: Path) -> None:
    denoised = "import numpy, sys; from scripts import Denoiser; x = numpy.eye(20); y = Denoiser().denoise(x, 'us')"
    run(bare_python, exported, "-c", f"{denoised}; sys.exit(bool(y.std() >= x.std()))")


def test_it_trains_from_any_folder(bare_python: Path, exported: Path, tmp_path: Path, dataset_dir: Path) -> None:
    settings = [f"--{name}={value}" for name, value in TINY.items()]
    places = ("--dataset_dir", dataset_dir, "--output_dir", "run")
    bundle(bare_python, tmp_path, "run", "--config_file", exported / "configs" / "train.json", *places, *settings)
    assert (tmp_path / "run" / "model.pt").is_file()


def test_it_passes_the_zoos_verifications(bare_python: Path, exported: Path, tmp_path: Path) -> None:
    files = ("--meta_file", "configs/metadata.json", "--config_file", "configs/inference.json")
    if SCHEMA.is_file():
        bundle(bare_python, exported, "verify_metadata", *files[:2], "--filepath", SCHEMA)
    bundle(bare_python, exported, "verify_net_in_out", "network_def", *files, "--bundle_root", ".")
    written = tmp_path / "verify_model.ts"
    weights = ("--ckpt_file", "models/model_fidelity.pt", "--filepath", written)
    bundle(bare_python, exported, "ckpt_export", "network_def", *files, *weights, "--bundle_root", ".")
    program = "import sys, torch; [torch.jit.load(path) for path in sys.argv[1:]]"
    run(bare_python, exported, "-c", program, written, "models/model.ts")


def test_the_zoos_unit_test_passes(bare_python: Path, exported: Path) -> None:
    zoo = exported.parents[1]
    (zoo / "ci" / "unit_tests").mkdir(parents=True)
    test = shutil.copyfile(ZOO_TEST, zoo / "ci" / "unit_tests" / f"test_{NAME}.py")
    assert "Ran 3 tests" in run(bare_python, zoo, test)
