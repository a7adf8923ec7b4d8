"""The whole evaluation: folders into pairs, pairs into figures, figures into a table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_denoise.benchmark.protocol import Protocol, load_protocol
from monai_gan_denoise.evaluation.pairs import Pair, find_pairs
from monai_gan_denoise.evaluation.scored_pair import Figures, Range, measure_pair
from monai_gan_denoise.evaluation.table import text_table, write_csv
from monai_gan_denoise.io.manifest import MANIFEST
from monai_gan_denoise.metrics.scores import require_scikit_image
from monai_gan_denoise.scans.errors import InputError

__all__ = ["Evaluation", "evaluate"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        table: for the terminal; empty if nothing was measured.
        exit_code: 0 if every pair was measured, 1 if some were, 2 if none was.
    """

    table: str
    exit_code: int


def evaluate(
    clean: Path,
    pred: Path,
    noisy: Path | None = None,
    *,
    modality: str = "auto",
    data_range: str = "",
    output: Path | None = None,
) -> Evaluation:
    """Compare the images of a folder with clean ones of the same names, by the benchmark's measures.

    Args:
        clean: folder of clean images, or a file.
        pred: folder of outputs, or a file.
        noisy: folder of the noisy images, or a file, for the gain over them.
        modality: see ``find_pairs``.
        data_range: in the modality's units, its width ``R`` or its ends ``LOW:HIGH``; the benchmark's if empty.
        output: CSV to write, a row an image; a file of this name is replaced, unless it is one of those compared.

    Raises:
        ValueError: if an argument cannot be used, an image has no partner, or scikit-image is not installed.
    """
    require_scikit_image()
    limits = _parse(data_range) if data_range else None
    pairs = find_pairs(clean, pred, noisy, modality)
    if output is not None:
        _check_output(output, pairs, [root for root in (clean, pred, noisy) if root])
    protocol = load_protocol()
    rows = [(pair, _measured(pair, protocol, limits)) for pair in pairs]
    failed = [found for _, found in rows if isinstance(found, str)]
    for reason in failed:
        logger.error("%s", reason)
    if output is not None:
        write_csv(output, rows)
    if len(failed) == len(rows):
        return Evaluation("", 2)
    return Evaluation(text_table(rows), 1 if failed else 0)


def _check_output(output: Path, pairs: Sequence[Pair], roots: Sequence[Path]) -> None:
    """Refuse a table in place of an image, or of what says which images there are."""
    if output.suffix.lower() != ".csv":
        raise ValueError(f"--output must end in .csv, got {output}. Rename it.")
    inputs = {path.resolve() for pair in pairs for path in (*pair.clean, *pair.pred, *pair.noisy)}
    if output.resolve() in inputs | {(root / MANIFEST).resolve() for root in roots}:
        raise ValueError(f"--output must not be one of the files that are read, got {output}. Name another.")


def _measured(pair: Pair, protocol: Protocol, limits: Range | None) -> Figures | str:
    try:
        return pair.refusal or measure_pair(pair, protocol, limits)
    except InputError as error:
        return " ".join(str(error).split())


def _parse(text: str) -> Range:
    low, _, high = text.rpartition(":")
    try:
        limits = (float(low) if low else None, float(high))
        if not (limits[0] or 0.0) < limits[1] < float("inf"):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"--data-range must be a width R or two ends LOW:HIGH, got {text!r}. Write 4095 or -160:240."
        ) from None
    return limits
