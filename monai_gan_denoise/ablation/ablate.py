"""The whole run: every variant in a process of its own, results into files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from monai_gan_denoise.ablation.budget import shorten
from monai_gan_denoise.ablation.table import Outcome, write_tables
from monai_gan_denoise.ablation.trial import CONFIGS, WEIGHTS, Trial, log_to, run_trial, trains_on_pairs
from monai_gan_denoise.ablation.variants import Variant, choose_variants
from monai_gan_denoise.io import load_datalist, load_training_datalist, source_digest, whole_file

__all__ = ["run_ablation"]

logger = logging.getLogger(__name__)

RESULT, LOG = "result.json", "run.log"


def run_ablation(
    dataset_dir: Path,
    output: Path = Path("runs/ablation"),
    *,
    iterations: int = 2000,
    only: Sequence[str] = (),
    modality: str = "auto",
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Train the recipe and its variants, and write ablation.csv and ablation.md with what each part buys.

    What is finished is kept in ``output``: a run that was interrupted continues there, and the tables hold all that is.

    Args:
        dataset_dir: a folder to train on, see ``load_datalist``.
        output: folder of the results, made if absent; a folder a variant.
        iterations: updates of each variant.
        only: names of variants, see ``choose_variants``; all if empty.
        modality: of images of which nothing else tells it.
        settings: entries of train.json for all variants, under what a variant changes.

    Returns:
        0 if every variant was measured, 1 if one failed, 2 if all did.

    Raises:
        ValueError: if an argument names nothing, the data cannot be trained on, or ``output`` holds variants that were
            trained in another way.
    """
    chosen = choose_variants(only)
    common = {**shorten(CONFIGS / "train.json", iterations), "tensorboard": False, **(settings or {})}
    common |= {"dataset_dir": dataset_dir.absolute(), "modality": modality}
    trained = load_training_datalist(dataset_dir, modality)
    held = load_datalist(dataset_dir, "val", modality)  # of which the lack should not show after an hour
    pairs, data = any("image" in item for item in trained), _data_digest(trained, held)
    trials = {variant: _trial(variant, output.absolute(), common, pairs, data) for variant in choose_variants()}
    found = {variant: _finished(trial) for variant, trial in trials.items()}
    outcomes = {variant: Outcome(variant, figures) for variant, figures in found.items() if figures}
    for number, variant in enumerate(chosen, 1):
        if variant not in outcomes:
            outcomes[variant] = _outcome(variant, trials[variant])
        write_tables(output, [outcomes[one] for one in trials if one in outcomes], iterations)
        _report(outcomes[variant], f"{number} of {len(chosen)}")
    failed = sum(bool(outcomes[variant].note) for variant in chosen)
    logger.info("%d of %d variants are measured, see %s.", len(chosen) - failed, len(chosen), output / "ablation.md")
    return 2 if failed == len(chosen) else int(bool(failed))


def _trial(variant: Variant, output: Path, common: Mapping[str, Any], pairs: bool, data: str) -> Trial:
    weights = output / (variant.weights or variant.name) / WEIGHTS
    entries = {**common, **variant.overlay()}
    return Trial(
        output / variant.name, weights, not variant.weights, entries, pairs and not trains_on_pairs(entries), data
    )


def _finished(trial: Trial) -> dict[str, float] | None:
    """Read the figures of a variant that is finished.

    Raises:
        ValueError: if they belong to another recipe, budget or dataset.
    """
    path = trial.folder / RESULT
    if not path.is_file():
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["fingerprint"] != _fingerprint(trial):
        raise ValueError(
            f"--output must hold variants of this recipe, budget and data, got others in {trial.folder}. "
            "Choose another folder."
        )
    figures: dict[str, float] = result["figures"]
    return figures


def _report(outcome: Outcome, position: str) -> None:
    if outcome.note:
        logger.error("%s, %s: %s", position, outcome.variant.name, outcome.note)
    else:
        psnr, ssim = outcome.figures["psnr"], outcome.figures["ssim"]
        logger.info("%s, %s: %.2f dB, SSIM %.4f", position, outcome.variant.name, psnr, ssim)


def _outcome(variant: Variant, trial: Trial) -> Outcome:
    if not trial.trains and not trial.weights.with_name(RESULT).is_file():
        return Outcome(variant, {}, f"{variant.weights} failed")
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), log_to, (trial.folder / LOG,)) as pool:
            figures = pool.submit(run_trial, trial).result()
    except Exception as error:  # whatever it is, a process that was killed included, it stops no other variant
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(variant, {}, f"{reason} (see {trial.folder / LOG})")
    with whole_file(trial.folder / RESULT) as partial:
        content = {"fingerprint": _fingerprint(trial), "figures": figures}
        partial.write_text(json.dumps(content, indent=4), encoding="utf-8")
    return Outcome(variant, figures)


def _fingerprint(trial: Trial) -> str:
    """Digest what the figures depend on: the recipe, what is laid over it, and the data."""
    recipe = b"".join((CONFIGS / name).read_bytes() for name in ("train.json", "evaluate.json"))
    laid_over = json.dumps([trial.entries, trial.data], default=str, sort_keys=True)
    return hashlib.sha256(recipe + laid_over.encode()).hexdigest()


def _data_digest(*datalists: Sequence[Mapping[str, Any]]) -> str:
    """Digest what images there are, by whatever path the dataset was named."""
    known = [[_image_digest(item) for item in datalist] for datalist in datalists]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _image_digest(item: Mapping[str, Any]) -> list[str]:
    """Give the modality of an image or a pair, and the digests of its files by name, size and time."""
    scans = [item[side] for side in ("label", "image") if side in item]
    return [item["modality"], *(source_digest([scan] if isinstance(scan, str) else scan) for scan in scans)]
