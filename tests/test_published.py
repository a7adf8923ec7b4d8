"""What README, the bundle's page and its metadata say of quality is what one run of the benchmark wrote."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from monai_gan_denoise.benchmark.protocol import Protocol, load_protocol

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def published(bundle_root: Path) -> Path:
    """What the command that README names has written."""
    return bundle_root / "docs" / "benchmark"


@pytest.fixture
def results(published: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((published / "results.json").read_text())
    return content


def published_protocol(results: dict[str, Any]) -> Protocol:
    """The protocol of the version that the run states, which may be an earlier one until new weights are published."""
    return load_protocol(version=results["protocol"]["version"])


def table(text: str, *starts: str) -> list[str]:
    """Rows of tables whose first cell starts so."""
    return [line for line in text.splitlines() if line.startswith(tuple(f"| {start}" for start in starts))]


def test_every_cell_stands_on_the_bundles_page(published: Path, bundle_root: Path, results: dict[str, Any]) -> None:
    kinds = ("ct/", "mr/", "xr/", "us/", "oct/")
    cells = table((published / "report.md").read_text(), *kinds)
    assert len(cells) > len(published_protocol(results).cells)  # CT has a window besides
    assert table((bundle_root / "docs" / "README.md").read_text(), *kinds) == cells


@pytest.mark.parametrize("page", ["README.md", "bundle/docs/README.md"])
def test_the_means_of_all_methods_are_those_of_the_run(page: str, results: dict[str, Any]) -> None:
    lines = (README.parent / page).read_text().splitlines()
    assert len(results["overall"]) > 20
    for one in results["overall"]:
        figures = [one["score"][measure] for measure in ("psnr", "ssim", "mse", "rmse")]
        shown = "{:.2f} | {:.4f} | {:.6f} | {:.5f}".format(*figures)
        assert f"| {one['method']} | {one['mode']} | {shown} |" in lines


def test_metadata_hold_the_means_of_ours(bundle_root: Path, results: dict[str, Any]) -> None:
    metadata = json.loads((bundle_root / "configs" / "metadata.json").read_text())
    (ours,) = (one["score"] for one in results["overall"] if one["method"] == "ours")
    assert metadata["eval_metrics"] == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize(("method", "weights"), [("ours", "model_fidelity.pt"), ("ours-adversarial", "model.pt")])
def test_the_weights_that_were_measured_are_those_shipped(
    method: str, weights: str, bundle_root: Path, results: dict[str, Any]
) -> None:
    digest = hashlib.sha256((bundle_root / "models" / weights).read_bytes()).hexdigest()
    assert results["methods"][method].split()[0] == digest


def test_the_run_is_of_the_protocol_that_it_states(results: dict[str, Any]) -> None:
    protocol = published_protocol(results)
    assert results["protocol"] == {"version": protocol.version, "seed": protocol.seed, "crop": protocol.crop}
    measured = {f"{cell['modality']}/{cell['law']}/{cell['level']}" for cell in results["cells"]}
    missing = {cell.name for cell in protocol.cells} - measured
    assert missing == set(results["skipped"])


@pytest.mark.parametrize("page", ["README.md", "bundle/docs/README.md"])
def test_pages_name_the_protocol_of_the_run(page: str, results: dict[str, Any]) -> None:
    assert f"protocol {results['protocol']['version']}" in (README.parent / page).read_text()


def test_the_command_of_the_run_takes_the_protocol_of_the_run(results: dict[str, Any]) -> None:
    text = README.read_text()
    command = next(block for block in text.split("```")[1::2] if "--methods ours,ours-adversarial" in block)
    version = results["protocol"]["version"]
    assert ("--protocol" in command) == (version != load_protocol().version)
    assert "--protocol" not in command or f"--protocol {version} " in command


def test_every_method_was_timed(published: Path, results: dict[str, Any]) -> None:
    with (published / "times.csv").open(newline="") as stream:
        timed = {row["method"] for row in csv.DictReader(stream) if row["seconds_per_megapixel"]}
    assert timed == results["methods"].keys() - {"noisy"}
