"""The results as tables: ablation.csv for programs, ablation.md for people."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_denoise.ablation.variants import Variant
from monai_gan_denoise.io import whole_file

__all__ = ["Outcome", "write_tables"]

FIGURES = ("psnr", "ssim", "real_psnr", "real_ssim")
NOTHING = "–"  # noqa: RUF001 (a dash in a table)


@dataclass(frozen=True)
class Outcome:
    """What came of a variant.

    Attributes:
        variant: which.
        figures: as ``run_trial`` gives them; empty if it failed.
        note: why it failed.
    """

    variant: Variant
    figures: Mapping[str, float]
    note: str = ""


def write_tables(folder: Path, outcomes: Sequence[Outcome], iterations: int) -> None:
    """Write ablation.csv and ablation.md, each whole or not at all.

    Args:
        folder: which exists.
        outcomes: in the order of the rows.
        iterations: that each variant was trained.
    """
    figures = {outcome.variant.name: outcome.figures for outcome in outcomes}
    with whole_file(folder / "ablation.csv") as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["variant", "against", *FIGURES, *(f"buys_{name}" for name in FIGURES), "seconds", "note"])
        for one in outcomes:
            values = [one.figures.get(name) for name in FIGURES]
            bought = [_bought(figures, one.variant, name) for name in FIGURES]
            row = [*values, *bought, one.figures.get("seconds")]
            written = ["" if value is None else f"{value:.6g}" for value in row]
            writer.writerow([one.variant.name, one.variant.against, *written, one.note])
    with whole_file(folder / "ablation.md") as partial:
        partial.write_text("\n".join(_page(outcomes, figures, iterations)) + "\n", encoding="utf-8")


def _page(outcomes: Sequence[Outcome], figures: Mapping[str, Mapping[str, float]], iterations: int) -> list[str]:
    lines = [
        "# What each part buys",
        f"Variants of the training recipe, each trained from scratch for {iterations} iterations with the same seed "
        "and data, measured on patches of the images held out for validation, by the same noise for all. *Buys*: how "
        "much lower the variant is than what it is compared with. *Real*: on real pairs, of variants that do not train "
        "on them, the clean sides mapped to the gain of the noisy ones.",
        "",
        "| variant | what differs | PSNR dB / SSIM | compared with | buys | real PSNR dB / SSIM | buys |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in outcomes:
        bought = {name: _bought(figures, one.variant, name) for name in FIGURES}
        against = NOTHING if one.variant.against == one.variant.name else one.variant.against
        cells = (
            one.variant.name,
            f"{one.variant.meaning} ({one.note})" if one.note else one.variant.meaning,
            _pair(one.figures, ""),
            against,
            _pair(bought, "", "+"),
            _pair(one.figures, "real_"),
            _pair(bought, "real_", "+"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _bought(figures: Mapping[str, Mapping[str, float]], variant: Variant, name: str) -> float | None:
    whole, part = (figures.get(other, {}).get(name) for other in (variant.against, variant.name))
    return None if whole is None or part is None or variant.against == variant.name else whole - part


def _pair(values: Mapping[str, float | None], prefix: str, sign: str = "") -> str:
    psnr, ssim = values.get(f"{prefix}psnr"), values.get(f"{prefix}ssim")
    return NOTHING if psnr is None or ssim is None else f"{psnr:{sign}.2f} / {ssim:{sign}.4f}"
