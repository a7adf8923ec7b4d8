"""A figure of one image: noisy, the best peers, ours, clean; what each removed, and what it left wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from monai_gan_denoise.benchmark.methods import NOISY
from monai_gan_denoise.benchmark.report.display import MODALITIES, Display, Image
from monai_gan_denoise.benchmark.report.examples import Example
from monai_gan_denoise.benchmark.report.pictures import RESIDUAL_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_montage"]


PANEL = 2.7  # inches


def draw_montage(example: Example, display: Display) -> Figure:
    """Draw an example.

    Args:
        example: the image.
        display: the same, with its scales.
    """
    from matplotlib.figure import Figure  # plotting is no part of measuring

    names = list(display.images)
    figure = Figure(figsize=(PANEL * len(names), 3.25 * PANEL), layout="constrained")
    rows = figure.subplots(3, len(names), squeeze=False)
    for axes in rows.flat:
        axes.set_axis_off()
    for axes, name in zip(rows[0], names, strict=True):
        axes.imshow(display.images[name], cmap="gray", vmin=display.black, vmax=display.white, interpolation="nearest")
        axes.set_title(_title(example, name), fontsize=10)
    for row, residuals, limit, words in (
        (rows[1], display.removed, display.removed_limit, "removed:\nnoisy - output"),
        (rows[2], display.errors, display.error_limit, "error:\noutput - clean"),
    ):
        _draw_residuals(row, names, residuals, limit, f"{words}\n[{display.unit}]")
    figure.suptitle(_heading(example, display), fontsize=11)
    return figure


def _draw_residuals(
    row: Sequence[Axes], names: Sequence[str], residuals: Mapping[str, Image], limit: float, words: str
) -> None:
    for axes, name in zip(row, names, strict=True):
        if name in residuals:
            drawn = axes.imshow(residuals[name], cmap=RESIDUAL_COLORS, vmin=-limit, vmax=limit, interpolation="nearest")
    for axes, name in zip(row, names, strict=True):
        if name not in residuals:  # noisy has nothing removed, clean has no error: the room for the scale
            bar = axes.inset_axes((0.42, 0.06, 0.08, 0.7))
            axes.figure.colorbar(drawn, cax=bar, extend="both")
            axes.text(0.46, 0.82, words, ha="center", fontsize=9, transform=axes.transAxes)


def _title(example: Example, name: str) -> str:
    if name not in example.choice.scores:
        return f"{name}\n(reference)"
    score = example.choice.scores[name]
    mode = "" if name == NOISY else ", blind"
    return f"{name}{mode}\n{score.psnr:.2f} dB, SSIM {score.ssim:.3f}"


def _heading(example: Example, display: Display) -> str:
    cell, choice = example.choice.task.cell, example.choice
    return (
        f"{MODALITIES[cell.modality]}, {cell.law} {cell.level}: {choice.rank} of all by the gain of ours, "
        f"{choice.gain:+.2f} dB\nPSNR and SSIM over a range of {example.exposure.width:g} {display.unit}; "
        f"shown from {display.black:.4g} to {display.white:.4g} {display.unit}"
    )
