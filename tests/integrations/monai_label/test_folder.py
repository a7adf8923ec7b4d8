"""The app as a folder of its own."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import torch

from monai_gan_denoise.cli import main
from monai_gan_denoise.integrations.monai_label import environment, folder
from monai_gan_denoise.integrations.monai_label.folder import write_label_app
from monai_gan_denoise.io import packaged_bundle
from monai_gan_denoise.scans.errors import InputError

HERE = Path(folder.__file__).parent


def relative_files(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.slow
def test_a_copy_runs_on_its_own_code_bundle_and_weights(tmp_path: Path) -> None:
    app = write_label_app(tmp_path / "app")
    asked = "from monai_gan_denoise import io; print(io.packaged_bundle(), io.packaged_presets())"
    done = subprocess.run([sys.executable, "-c", asked], cwd=app, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(app / "bundle"), str(app / "configs")]
    assert relative_files(app / "bundle") == relative_files(packaged_bundle())
    assert (app / "bundle" / "models" / "model.pt").stat().st_size > 1e6
    assert (app / "main.py").is_file()
    assert not [path for path in app.rglob("*") if path.is_symlink() or path.name == "__pycache__"]


def test_links_lead_to_this_installation(tmp_path: Path) -> None:
    app = write_label_app(tmp_path / "app", link=True)
    assert (app / "main.py").samefile(HERE / "main.py")
    assert (app / "bundle").samefile(packaged_bundle())
    assert all(path.is_symlink() for path in app.iterdir())


def test_an_empty_folder_is_filled_and_another_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    write_label_app(tmp_path / "app", link=True)
    before = relative_files(tmp_path / "app")
    with pytest.raises(InputError, match=r"FOLDER must be absent or empty, got .+app\. Name another\."):
        write_label_app(tmp_path / "app")
    assert relative_files(tmp_path / "app") == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    with pytest.raises(OSError, match="No space left"):
        write_label_app(tmp_path / "app")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_writes_the_app_and_refuses_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["label-app", str(tmp_path / "app"), "--link"])
    told = capsys.readouterr().err
    assert str(tmp_path / "app" / "environment.py") in told
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        main(["label-app", str(tmp_path / "file")])
    assert "FOLDER must be absent or empty" in capsys.readouterr().err
    logging.getLogger("monai_gan_denoise").handlers = []  # whose stream ends with the test


def test_the_requirements_have_every_dependency_of_the_package() -> None:
    names = {
        line.split("==")[0].lower() for line in (HERE / "requirements.txt").read_text().splitlines() if "==" in line
    }
    needed = [text for text in requires("monai-gan-denoise") or () if "extra ==" not in text]
    assert needed
    assert {text.split(">=")[0].lower() for text in needed} <= names


def test_the_environment_is_completed_by_the_requirements_and_the_shims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    packages = tmp_path / "packages"
    packages.mkdir()
    commands: list[list[str]] = []

    def run(words: list[object], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append([str(word) for word in words])
        return subprocess.CompletedProcess(words, 0, stdout=f"{packages}\n")

    monkeypatch.setattr(environment.subprocess, "run", run)
    environment.build_environment(tmp_path)
    installed = [(words[-1], "--no-deps" in words) for words in commands if "install" in words]
    assert installed == [(str(HERE / "requirements.txt"), False), (str(HERE / "requirements-no-deps.txt"), True)]
    assert {path.name for path in packages.iterdir()} == {
        "pydicom_seg.py",
        "torchvision_operators.py",
        "torchvision_operators.pth",
    }


def test_torchvisions_operators_are_declared_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    from monai_gan_denoise.integrations.monai_label.shims import torchvision_operators

    finder = torchvision_operators.DeclaringFinder()
    monkeypatch.setattr(torchvision_operators, "version", lambda _: "0.28.0")
    monkeypatch.setattr(torch.version, "cuda", None)
    finder.find_spec("torch")
    assert finder.library is None
    finder.find_spec("torchvision")
    assert str(torch.ops.torchvision.nms.default) == "torchvision.nms.default"
    finder.library._destroy()
