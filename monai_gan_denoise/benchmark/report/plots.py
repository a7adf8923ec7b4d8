"""Figures of means: a bar a method, and quality against time; blind is filled, oracle hollow, noisy a dashed line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monai_gan_denoise.benchmark.methods import BLIND, NOISY, ORACLE, OURS
from monai_gan_denoise.benchmark.report.sections import Entry, Table
from monai_gan_denoise.benchmark.timing import Timing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.transforms import Bbox

__all__ = ["draw_bars", "draw_quality_against_time"]

OURS_COLOR, PEER_COLOR, NOISY_COLOR = "#c2410c", "#3b6ea5", "#6b7280"
MEASURES = (("psnr", "PSNR [dB]", 2), ("ssim", "SSIM", 3))  # with the digits of their numbers
BAR = 0.38  # of the room of a method


def draw_bars(table: Table, title: str) -> Figure:
    """Draw mean PSNR and SSIM of every method that has them, from the highest PSNR down.

    Args:
        table: of means.
        title: what they are means over.
    """
    from matplotlib.figure import Figure  # plotting is no part of measuring
    from matplotlib.patches import Patch

    entries = [one for one in table.entries if not one.note and math.isfinite(one.psnr)]
    names = list(dict.fromkeys(one.method for one in entries if one.mode != ORACLE))[::-1]  # from below, noisy on top
    figure = Figure(figsize=(10, 1.3 + 0.42 * len(names)), layout="constrained")  # inches
    for axes, (measure, label, digits) in zip(figure.subplots(1, 2, sharey=True), MEASURES, strict=True):
        for one in entries:
            value = getattr(one, measure)
            alone = sum(other.method == one.method for other in entries) == 1
            shift = 0.0 if alone else BAR / 2 if one.mode == BLIND else -BAR / 2
            _draw_bar(axes, names.index(one.method) + shift, one, value, f"{value:.{digits}f}")
            if one.method == NOISY:
                axes.axvline(value, color=NOISY_COLOR, linestyle="--", linewidth=1, zorder=0)
        axes.set_xlabel(f"{label}, range: {table.range}")
        axes.set_yticks(range(len(names)), names)
        axes.margins(x=0.14, y=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    handles = [Patch(facecolor=PEER_COLOR, label="blind"), Patch(label="oracle: the best setting, clean in sight")]
    _hollow(handles[1], PEER_COLOR)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def draw_quality_against_time(table: Table, timings: Sequence[Timing]) -> Figure:
    """Draw mean PSNR against seconds a megapixel.

    Args:
        table: of means.
        timings: of the serial pass; a method without one is left out.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")  # inches
    axes = figure.subplots()
    blind: list[tuple[float, Entry]] = []
    for timing in timings:
        if timing.seconds_per_megapixel is not None:
            found = [one for one in table.entries if one.method == timing.method and not one.note]
            _draw_method(axes, timing.seconds_per_megapixel, sorted(found, key=lambda one: one.mode))
            blind += [(timing.seconds_per_megapixel, one) for one in found if one.mode == BLIND]
    if table.noisy is not None:
        axes.axhline(table.noisy.psnr, color=NOISY_COLOR, linestyle="--", linewidth=1)
        place = axes.get_yaxis_transform()
        axes.text(0.995, table.noisy.psnr, "noisy", transform=place, ha="right", va="bottom", color=NOISY_COLOR)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.12)
    axes.set_xlabel("processor seconds a megapixel, one setting")
    axes.set_ylabel("PSNR [dB]; filled: blind, hollow: oracle")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{table.name}: {table.meaning}", fontsize=11)
    figure.draw_without_rendering()  # which finds the scales
    _name_methods(axes, blind)
    return figure


def _draw_bar(axes: Axes, height: float, one: Entry, value: float, words: str) -> None:
    (bar,) = axes.barh(height, value, BAR, color=_color(one.method))
    if one.mode == ORACLE:
        _hollow(bar, _color(one.method))
    axes.annotate(words, (value, height), (3, 0), textcoords="offset points", va="center", fontsize=7)


def _draw_method(axes: Axes, seconds: float, entries: Sequence[Entry]) -> None:
    """Draw blind and oracle, joined; at one time, since every setting costs the same."""
    for one in entries:
        color = _color(one.method)
        face = "white" if one.mode == ORACLE else color
        axes.plot(seconds, one.psnr, "o", color=color, markerfacecolor=face, markersize=8)
    axes.plot([seconds] * len(entries), [one.psnr for one in entries], "-", color=PEER_COLOR, linewidth=1, zorder=0)


def _name_methods(axes: Axes, blind: Sequence[tuple[float, Entry]]) -> None:
    """Write names beside points, from the top down; one that would run into another moves below it."""
    boxes: list[Bbox] = []
    for seconds, one in sorted(blind, key=lambda place: -place[1].psnr):
        weight = "bold" if one.method == OURS else "normal"
        place = (seconds, one.psnr)
        name = axes.annotate(one.method, place, (8, -3), textcoords="offset points", fontsize=9, weight=weight)
        while any(name.get_window_extent().overlaps(box) for box in boxes):
            across, up = name.get_position()
            name.set_position((across, up - 1))
        boxes.append(name.get_window_extent())


def _hollow(bar: Patch, color: str) -> None:
    bar.set(facecolor="white", edgecolor=color, hatch="////", linewidth=0.8)


def _color(method: str) -> str:
    if method == NOISY:
        return NOISY_COLOR
    return OURS_COLOR if method.startswith(OURS) else PEER_COLOR
