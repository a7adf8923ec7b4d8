"""Claims about the exported bundle as a folder: the model zoo's rules, its networks, whole or not at all."""

from __future__ import annotations

import ast
import json
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import jsonschema
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import load_net_with_metadata
from torch import Generator

from monai_gan_denoise.cli import main
from monai_gan_denoise.export import bundle, export_bundle
from monai_gan_denoise.networks import GanDenoiser, load_weights

SCHEMA = Path(__file__).parents[3] / "shared" / "meta_schema.json"
INFERENCE = (
    *("bundle_root", "device", "network_def", "inferer", "preprocessing", "postprocessing"),
    *("dataset_dir", "output_dir", "evaluator"),
)
TRAIN = (
    *("bundle_root", "device", "dataset_dir", "output_dir", "val_interval", "train#trainer", "train#dataset#data"),
    *("train#handlers", "train#inferer", "validate#evaluator", "validate#dataset#data"),
)
FILES = (
    *("LICENSE", "README.md", "docs/README.md", "docs/data_license.txt"),
    *("models/model.pt", "models/model_fidelity.pt", "models/model.ts", "scripts/__init__.py", "configs/logging.conf"),
    *(f"configs/{name}.json" for name in ("metadata", "inference", "train", "evaluate", "multi_gpu_train")),
)
LARGE = 25e6  # bytes; what is larger must be downloaded, by large_files.yml


def read(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.slow
def test_it_holds_what_the_zoo_asks_for_and_no_file_is_too_large(exported: Path) -> None:
    sizes = {path.relative_to(exported).as_posix(): path.stat().st_size for path in exported.rglob("*.*")}
    sizes["LICENSE"] = (exported / "LICENSE").stat().st_size
    assert not [name for name in FILES if not sizes.get(name)]
    assert max(sizes.values()) < LARGE


@pytest.mark.slow
@pytest.mark.parametrize(("name", "keys"), [("inference", INFERENCE), ("train", TRAIN)])
def test_its_configurations_have_the_zoos_keys(exported: Path, name: str, keys: tuple[str, ...]) -> None:
    parser = ConfigParser(ConfigParser.load_config_file(str(exported / "configs" / f"{name}.json")))
    assert not [key for key in keys if key not in parser]


@pytest.mark.slow
def test_its_metadata_require_nothing_of_ours_and_name_every_library(exported: Path) -> None:
    metadata = read(exported / "configs" / "metadata.json")
    if SCHEMA.is_file():
        jsonschema.validate(metadata, json.loads(SCHEMA.read_text(encoding="utf-8")))
    required = {str(name).lower() for name in metadata["required_packages_version"]}  # type: ignore[attr-defined]
    assert "monai-gan-denoise" not in required
    assert metadata["version"] in metadata["changelog"]  # type: ignore[operator]
    distributions = packages_distributions()
    for source in (exported / "scripts").rglob("*.py"):
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"scripts"}:
                known = {distribution.lower() for distribution in distributions[top]}
                assert known & (required | {"monai", "torch", "numpy"}), f"{top} in {source}"


@pytest.mark.slow
def test_its_torchscript_equals_eager_at_any_size(exported: Path, bundle_root: Path, rng: Generator) -> None:
    network = load_weights(GanDenoiser(), bundle_root / "models" / "model_fidelity.pt")
    script, metadata, extra = load_net_with_metadata(
        str(exported / "models" / "model.ts"), more_extra_files=["inference.json"]
    )
    for size in [(1, 1, 16, 16), (1, 1, 45, 61), (2, 1, 64, 96)]:
        noisy = torch.rand(size, generator=rng)
        with torch.no_grad():
            torch.testing.assert_close(script(noisy), network(noisy), atol=1e-4, rtol=0)
    assert metadata == read(exported / "configs" / "metadata.json")
    assert json.loads(extra["inference.json"]) == read(exported / "configs" / "inference.json")


@pytest.mark.slow
def test_every_link_of_its_model_card_leads_to_a_file(exported: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (exported / "README.md").read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert not [link for link in local if not (exported / link).is_file()]


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="folder must be absent or empty, got a folder that holds something: "):
        export_bundle(tmp_path)
    with pytest.raises(ValueError, match="folder must be absent or empty, got a file: "):
        export_bundle(tmp_path / "notes.txt")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("empty", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: bool) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(bundle, "_write_torchscript", full)
    target = tmp_path / "bundle"
    if empty:
        target.mkdir()
    with pytest.raises(OSError, match="No space left"):
        export_bundle(target)
    assert list(tmp_path.rglob("*")) == ([target] if empty else [])


def test_an_empty_folder_becomes_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_write_torchscript", lambda *_: None)
    (tmp_path / "new").mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["bundle", str(tmp_path / "new")])
    assert ended.value.code == 0
    assert (tmp_path / "new" / "configs" / "metadata.json").is_file()
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]
