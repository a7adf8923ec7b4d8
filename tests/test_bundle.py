"""The MONAI bundle: what inference.json promises to hosts, and which weights a run uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out
from PIL import Image
from pydicom.data import get_testdata_file

import monai_gan_denoise
from monai_gan_denoise.io import packaged_bundle, running_bundle
from monai_gan_denoise.networks import GanDenoiser, weights_hash

SCHEMA = Path(__file__).parents[2] / "shared" / "meta_schema.json"
REQUIRED = (
    *("bundle_root", "device", "network_def", "inferer", "preprocessing", "postprocessing"),
    *("dataset_dir", "output_dir", "evaluator"),
)
CT = str(get_testdata_file("CT_small.dcm", download=False))


def copied(bundle_root: Path, folder: Path, seed: int) -> tuple[Path, str]:
    """The bundle's configs beside weights of our own; and the hash of these."""
    shutil.copytree(bundle_root / "configs", folder / "configs")
    (folder / "models").mkdir()
    torch.manual_seed(seed)
    network = GanDenoiser()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder, weights_hash(network)


def workflow(config: Path, **settings: object) -> ConfigWorkflow:
    return ConfigWorkflow(
        config_file=str(config / "configs" / "inference.json"),
        meta_file=str(config / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type="infer",
        progress=False,
        **settings,
    )


def bundle_run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """``python -m monai.bundle run`` in a folder, with the package that is tested here."""
    command = [sys.executable, "-m", "monai.bundle", "run", *(str(argument) for argument in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(monai_gan_denoise.__file__).parents[1])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_inference_has_the_zoos_required_keys(bundle_root: Path) -> None:
    config = json.loads((bundle_root / "configs" / "inference.json").read_text(encoding="utf-8"))
    assert set(REQUIRED) <= config.keys()
    assert config["network_def"] == {"_target_": "monai_gan_denoise.networks.GanDenoiser"}


@pytest.mark.skipif(not SCHEMA.is_file(), reason="the zoo's schema is downloaded, not part of the repository")
def test_metadata_are_valid_against_the_zoos_schema(bundle_root: Path) -> None:
    metadata = json.loads((bundle_root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    jsonschema.validate(metadata, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_metadata_name_every_version_and_tensor(bundle_root: Path) -> None:
    metadata = json.loads((bundle_root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["version"] in metadata["changelog"]
    for side, name in (("inputs", "image"), ("outputs", "pred")):
        tensor = metadata["network_data_format"][side][name]
        assert {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"} <= tensor.keys()


def test_the_network_takes_and_gives_what_the_metadata_say(bundle_root: Path) -> None:
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle_root / "configs" / "metadata.json"),
        config_file=str(bundle_root / "configs" / "inference.json"),
        device="cpu",
        p=1,
        n=1,
    )


def test_a_workflow_uses_the_weights_beside_its_config_from_any_folder(
    bundle_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, digest = copied(bundle_root, tmp_path / "bundle", 1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = workflow(root, dataset_dir=CT, output_dir="results")
    run.initialize()
    run.run()
    result = pydicom.dcmread(elsewhere / "results" / "CT_small.dcm")
    assert digest in result.DerivationDescription
    assert weights_hash(run.parser.get_parsed_content("network")) == digest


def test_bundle_root_overrides_the_place_of_the_config(bundle_root: Path, tmp_path: Path) -> None:
    first, _ = copied(bundle_root, tmp_path / "first", 1)
    second, digest = copied(bundle_root, tmp_path / "second", 2)
    run = workflow(first, bundle_root=str(second), dataset_dir=CT, output_dir=str(tmp_path / "out"))
    run.initialize()
    run.run()
    assert digest in pydicom.dcmread(tmp_path / "out" / "CT_small.dcm").DerivationDescription


def test_outside_a_workflow_the_bundle_is_that_of_the_package(bundle_root: Path) -> None:
    assert Path(running_bundle()) == packaged_bundle() == bundle_root
    parser = ConfigParser()
    parser.read_config(str(bundle_root / "configs" / "inference.json"))
    assert parser.get_parsed_content("weights") == str(bundle_root / "models" / "model.pt")


def test_perception_interpolates_with_the_fidelity_weights_of_the_bundle(bundle_root: Path, two_weights: Path) -> None:
    root = two_weights.parents[1]
    shutil.copytree(bundle_root / "configs", root / "configs")
    run = workflow(root, dataset_dir=CT, output_dir=str(root / "out"), perception=0.5)
    run.initialize()
    run.run()
    states = [torch.load(path) for path in sorted(two_weights.parent.iterdir())]
    network = GanDenoiser()
    network.load_state_dict({name: (value + states[1][name]) / 2 for name, value in states[0].items()})
    expected = f"weights {weights_hash(network)}, perception 0.5, strength 1."
    assert expected in pydicom.dcmread(root / "out" / "CT_small.dcm").DerivationDescription


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("bad", "code"), [(0, 0), (1, 1), (2, 2)])
def test_a_run_over_bad_files_ends_with_the_commands_exit_code(
    bundle_root: Path, tmp_path: Path, bad: int, code: int, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: noisy.clone())
    root, _ = copied(bundle_root, tmp_path / "bundle", 1)
    (tmp_path / "in").mkdir()
    for index in range(2):
        path = tmp_path / "in" / f"{index}.png"
        Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(path)
        if index < bad:
            path.write_bytes(path.read_bytes()[:60])
    run = workflow(root, dataset_dir=str(tmp_path / "in"), output_dir=str(tmp_path / "out"), modality="us", jobs=jobs)
    run.initialize()
    if code:
        with pytest.raises(SystemExit) as ended:
            run.run()
        assert ended.value.code == code
    else:
        run.run()
    written = [path.name for path in (tmp_path / "out").glob("*.png")]
    assert sorted(written) == [f"{index}.png" for index in range(bad, 2)]


def test_results_are_kept_unless_overwrite_says_otherwise(
    bundle_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: noisy.clone())
    root, _ = copied(bundle_root, tmp_path / "bundle", 1)
    for overwrite, code in ((False, None), (False, 2), (True, None)):
        run = workflow(root, dataset_dir=CT, output_dir=str(tmp_path / "out"), overwrite=overwrite)
        run.initialize()
        if code is None:
            run.run()
            continue
        with pytest.raises(SystemExit) as ended:
            run.run()
        assert ended.value.code == code


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("strength", 2),
        ("debias", "on"),
        ("noise_level", "25mm"),
        ("perception", 7),
        ("weights", "absent.pt"),
        ("backend", "other"),
        ("batch_size", 0),
        ("residual", "perhaps"),
        ("jobs", 0),
    ],
)
def test_a_setting_that_cannot_be_used_ends_the_run_in_one_line(
    bundle_root: Path, tmp_path: Path, setting: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run = workflow(bundle_root, dataset_dir=CT, output_dir=str(tmp_path / "out"), **{setting: value})

    def execute() -> None:
        run.initialize()
        run.run()

    with pytest.raises(SystemExit) as ended:
        execute()
    assert ended.value.code == 2
    ours = [record for record in caplog.records if record.name.startswith("monai_gan_denoise")]
    (line,) = [record.getMessage() for record in ours if record.levelname == "ERROR"]
    assert "must be" in line
    assert str(value) in line
    assert "\n" not in line
    assert not (tmp_path / "out").exists()


@pytest.mark.integration
def test_the_default_run_denoises_samples_draws_figures_and_can_be_repeated(bundle_root: Path, tmp_path: Path) -> None:
    config = bundle_root / "configs" / "inference.json"
    for _ in range(2):
        done = bundle_run(tmp_path, "--config_file", config)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "6 of 6 scans denoised, 0 failed." in done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"denoised"}
    pictures = {path.stem: path for path in (tmp_path / "denoised").glob("*.png")}
    assert pictures.keys() == {"ct", "mr", "xr", "us", "oct"}
    for path in pictures.values():
        picture = np.asarray(Image.open(path).convert("L")).astype(float)
        assert picture.shape == (368, 1280)
        panels = np.split(picture[120:], 4, axis=1)
        assert min(np.abs(panels[i] - panels[j]).mean() for i in range(4) for j in range(i)) > 0.3, path
    results = [path for path in (tmp_path / "denoised").rglob("*") if path.is_file() and path.parent.name == "noisy"]
    assert len(results) == 6


@pytest.mark.integration
def test_the_bundles_command_ends_as_the_scans_did(bundle_root: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    config = bundle_root / "configs" / "inference.json"
    settings = ("--dataset_dir", "in", "--output_dir", "out", "--modality", "us")
    done = bundle_run(tmp_path, "--config_file", config, *settings)
    assert done.returncode == 1, done.stderr[-2000:]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"good.png", "run_report.json"}
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_the_bundles_command_takes_a_perception(bundle_root: Path, tmp_path: Path, two_weights: Path) -> None:
    settings = ("--dataset_dir", CT, "--output_dir", "out", "--weights", two_weights, "--perception", "0.5")
    done = bundle_run(tmp_path, "--config_file", bundle_root / "configs" / "inference.json", *settings)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "perception 0.5" in pydicom.dcmread(tmp_path / "out" / "CT_small.dcm").DerivationDescription
    two_weights.with_name("model_fidelity.pt").unlink()
    done = bundle_run(tmp_path, "--config_file", bundle_root / "configs" / "inference.json", *settings)
    assert done.returncode == 2
    assert "perception must be 1 without the fidelity weights" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
