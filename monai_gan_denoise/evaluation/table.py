"""The figures as a table for the terminal and as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from monai_gan_denoise.evaluation.pairs import Pair
from monai_gan_denoise.evaluation.scored_pair import Figures
from monai_gan_denoise.io import whole_file
from monai_gan_denoise.metrics import TISSUES
from monai_gan_denoise.metrics.scores import Score

__all__ = ["text_table", "write_csv"]

Row = tuple[Pair, Figures | str]

UNREADABLE = "backslashreplace"  # names of files that are not UTF-8, as on stderr
DIGITS = 8  # significant ones in the CSV, as in the benchmark's
GAINS = ("psnr_gain", "ssim_gain")
BIASES = tuple(f"bias_{tissue}_hu" for tissue in TISSUES)
MEASURES = ("range", *Score._fields, *(f"noisy_{name}" for name in Score._fields), *GAINS, *BIASES)
SHOWN: Mapping[str, tuple[str, str]] = {  # in the terminal: heading and format
    "range": ("range", "g"),
    "psnr": ("PSNR dB", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "mse": ("MSE", ".3g"),
    "rmse": ("RMSE", ".3g"),
    "noisy_psnr": ("noisy dB", ".2f"),
    "noisy_ssim": ("noisy SSIM", ".4f"),
    "psnr_gain": ("gain dB", "+.2f"),
    "ssim_gain": ("gain SSIM", "+.4f"),
    **{name: (f"{tissue.replace('_', ' ')} HU", "+.1f") for name, tissue in zip(BIASES, TISSUES, strict=True)},
}


def text_table(rows: Sequence[Row]) -> str:
    """Give a line an image that was measured, and the means of each modality; columns without a figure are left out.

    Args:
        rows: pairs with their figures, or with the reason why there are none.
    """
    groups: dict[str | None, list[tuple[str, dict[str, float]]]] = {}
    for pair, found in rows:
        if isinstance(found, Figures):
            name = pair.name.encode(errors=UNREADABLE).decode()
            groups.setdefault(pair.modality, []).append((name, _measures(found)))
    lines = [line for group in groups.values() for line in group]
    lines += [(f"mean of {len(group)} {modality or 'images'}", _means(group)) for modality, group in groups.items()]
    columns = [name for name in SHOWN if any(name in measures for _, measures in lines)]
    cells = [["image", *(SHOWN[name][0] for name in columns)]]
    cells += [[label, *(_shown(measures, name) for name in columns)] for label, measures in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write a row an image; ``mse`` and ``rmse`` are in units of the range, whose width in the modality's is ``range``.

    ``note`` says why a row has no figures.
    """
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8", errors=UNREADABLE) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image", "modality", *MEASURES, "note"])
        for pair, found in rows:
            measures = _measures(found) if isinstance(found, Figures) else {}
            note = "" if isinstance(found, Figures) else found
            cells = [f"{measures[name]:.{DIGITS}g}" if name in measures else "" for name in MEASURES]
            writer.writerow([pair.name, pair.modality or "", *cells, note])


def _measures(found: Figures) -> dict[str, float]:
    measures = {"range": found.width, **found.score._asdict()}
    if found.noisy is not None:
        measures |= {f"noisy_{name}": value for name, value in found.noisy._asdict().items()}
        measures["ssim_gain"] = found.score.ssim - found.noisy.ssim
        if not math.isinf(found.noisy.psnr):  # over an image that is equal already nothing can be gained
            measures["psnr_gain"] = found.score.psnr - found.noisy.psnr
    return {**measures, **{f"bias_{tissue}_hu": value for tissue, value in found.bias.items()}}


def _means(group: Sequence[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    means = {}
    for name in MEASURES:
        values = [measures[name] for _, measures in group if name in measures]
        if values:
            means[name] = float(np.mean(values))
    return means


def _shown(measures: Mapping[str, float], name: str) -> str:
    return format(measures[name], SHOWN[name][1]) if name in measures else ""


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()
