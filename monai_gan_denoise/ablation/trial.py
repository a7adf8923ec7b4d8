"""One variant, trained and measured: what runs in a process of its own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from monai_gan_denoise.io import packaged_bundle

__all__ = ["CONFIGS", "WEIGHTS", "Trial", "log_to", "run_trial", "trains_on_pairs"]

logger = logging.getLogger(__name__)

CONFIGS = packaged_bundle() / "configs"
WEIGHTS = "model.pt"  # as train.json names them
MEASURES = ("psnr", "ssim")  # as train.json names them
PAIRS = "$io.load_datalist(@dataset_dir, 'real_train', @modality)"


@dataclass(frozen=True)
class Trial:
    """What to run.

    Attributes:
        folder: of the variant.
        weights: what is measured.
        trains: whether the weights are trained here first.
        entries: of train.json, those that differ from the recipe.
        real: whether to measure on real pairs too.
        data: digest of the images that it trains on and is measured by.
    """

    folder: Path
    weights: Path
    trains: bool
    entries: Mapping[str, Any]
    real: bool
    data: str = ""


def trains_on_pairs(entries: Mapping[str, Any]) -> bool:
    """Tell whether train.json draws real pairs, with these entries laid over it."""
    parser = ConfigParser()
    parser.read_config(CONFIGS / "train.json")
    parser.update(dict(entries))
    return bool(parser["emphasis"].get("pair", 1.0) > 0)


def log_to(path: Path) -> None:
    """Write what this process says, on whatever channel, into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        for channel in (1, 2):  # standard output and standard error
            os.dup2(stream.fileno(), channel)
    logging.basicConfig(level=logging.INFO)


def run_trial(trial: Trial) -> dict[str, float]:
    """Train, and measure the result by the fixed noise of train.json's validation.

    Returns:
        ``psnr`` in dB and ``ssim`` on the images held out for validation; perhaps ``real_psnr`` and ``real_ssim`` on
        real pairs, their clean sides mapped to the gain of the noisy ones; ``seconds`` that it took.
    """
    started = time.monotonic()
    try:
        if trial.trains:
            _train(trial)
        found = _measure(trial, "validation")
        if trial.real:
            real = _measure(trial, "real", {"validate#dataset#data": PAIRS})
            found |= {f"real_{name}": value for name, value in real.items()}
    except Exception:
        logger.exception("failed")  # of which the other process sees the last line only
        raise
    return {**found, "seconds": time.monotonic() - started}


def _train(trial: Trial) -> None:
    workflow = _workflow(["train.json"], trial, {"output_dir": str(trial.folder)})
    workflow.run()
    for checkpoint in trial.folder.glob("checkpoint_*.pt"):  # a variant is short, and never resumed
        checkpoint.unlink()


def _measure(trial: Trial, name: str, changes: Mapping[str, Any] | None = None) -> dict[str, float]:
    places = {"output_dir": str(trial.folder / name), "init": trial.weights}
    workflow = _workflow(["train.json", "evaluate.json"], trial, {**places, **(changes or {})})
    workflow.run()
    measured = workflow.parser.get_parsed_content("validate#evaluator").state.metrics
    return {measure: float(measured[measure]) for measure in MEASURES}


def _workflow(files: list[str], trial: Trial, changes: Mapping[str, Any]) -> ConfigWorkflow:
    entries: dict[str, Any] = {**trial.entries, **changes}
    workflow = ConfigWorkflow([str(CONFIGS / name) for name in files], logging_file=False, workflow_type="train")
    workflow.parser.update(entries)
    workflow.initialize()
    return workflow
