"""Write the packaged bundle as one that stands alone, with the code it needs in its folder ``scripts``."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.data import save_net_with_metadata
from monai.networks.utils import convert_to_torchscript

from monai_gan_denoise.export.card import model_card
from monai_gan_denoise.export.configs import initialized_by_run
from monai_gan_denoise.export.sources import PACKAGE, SCRIPTS, needed_sources, renamed
from monai_gan_denoise.io import packaged_bundle
from monai_gan_denoise.networks import default_perception, load_weights

__all__ = ["export_bundle"]

logger = logging.getLogger(__name__)

OWN_PACKAGE = "monai-gan-denoise"  # which the bundle's metadata require, and the exported one's must not
OVERLAID = "train.json"  # what evaluate.json and multi_gpu_train.json are laid over


def export_bundle(folder: str | Path) -> Path:
    """Write a bundle as the model zoo wants it, whole or not at all.

    Args:
        folder: becomes the bundle (``folder/configs/metadata.json``); absent, or empty.

    Returns:
        ``folder``.

    Raises:
        ValueError: if ``folder`` is a file, or holds anything.
    """
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        kind = "a folder that holds something" if target.is_dir() else "a file"
        raise ValueError(f"folder must be absent or empty, got {kind}: {folder}. Choose another.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        root = Path(scratch) / target.name
        _write(root, packaged_bundle())
        if target.is_dir():
            target.rmdir()
        os.replace(root, target)
    logger.info("The bundle is in %s.", folder)
    return Path(folder)


def _write(root: Path, source: Path) -> None:
    """Write the bundle ``source`` into the new folder ``root``."""
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.ts", "*.onnx"))
    configs = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in root.glob("configs/*.json")}
    metadata = configs.pop("metadata.json")
    del metadata["required_packages_version"][OWN_PACKAGE]
    texts = {
        name: json.dumps(initialized_by_run(config, {**configs[OVERLAID], **config}), indent=4, ensure_ascii=False)
        for name, config in configs.items()
    }
    for name, text in {**texts, "metadata.json": json.dumps(metadata, indent=4, ensure_ascii=False)}.items():
        (root / "configs" / name).write_text(renamed(text) + "\n", encoding="utf-8")
    for path in needed_sources("\n".join(texts.values())):
        copy = root / SCRIPTS / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(renamed((PACKAGE / path).read_text(encoding="utf-8")), encoding="utf-8")
    page = (root / "docs" / "README.md").read_text(encoding="utf-8")
    (root / "README.md").write_text(model_card(page), encoding="utf-8")
    _write_torchscript(root, source, metadata)


def _write_torchscript(root: Path, source: Path, metadata: dict[str, Any]) -> None:
    """Write model.ts as ``monai.bundle ckpt_export`` does, with the metadata and inference.json inside."""
    definition = ConfigParser.load_config_file(str(source / "configs" / "inference.json"))["network_def"]
    network = ConfigParser({"network_def": definition}).get_parsed_content("network_def")
    weights = root / "models" / "model.pt"
    script = convert_to_torchscript(load_weights(network, weights, default_perception(weights)))
    config = ConfigParser.load_config_file(str(root / "configs" / "inference.json"))
    save_net_with_metadata(
        script,
        str(root / "models" / "model.ts"),
        include_config_vals=False,
        append_timestamp=False,
        meta_values=metadata,
        more_extra_files={"inference.json": json.dumps(config).encode()},
    )
