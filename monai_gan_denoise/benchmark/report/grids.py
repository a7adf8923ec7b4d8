"""Tables of methods by measures, for report.html and report.md alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monai_gan_denoise.benchmark.methods import INPUT
from monai_gan_denoise.benchmark.report.notation import NOTHING, number

__all__ = ["Column", "Figure", "Grid", "Row", "Topic", "make_grid"]


@dataclass(frozen=True)
class Figure:
    """What is said of a method by one measure.

    Attributes:
        mean: over images, or whatever the table averages.
        distance: mean of how far each lies from the best value, which opposite signs do not cancel in.
    """

    mean: float
    distance: float


@dataclass(frozen=True)
class Column:
    """A measure.

    Attributes:
        name: in the heading.
        detail: below it: the unit and which value is best, or what sets the column apart.
        digits: after the point.
        best: the value that a clean image has.
        signed: whether values lie on both sides of the best, so that both the mean and the distance are written.
        marked: whether the method nearest to the best is marked.
    """

    name: str
    detail: str
    digits: int
    best: float
    signed: bool = False
    marked: bool = True

    def text(self, figure: Figure | None) -> str:
        """Write a figure."""
        if figure is None:
            return NOTHING
        mean = number(figure.mean, self.digits, "+" if self.signed else "")
        return f"{mean} / {number(figure.distance, self.digits)}" if self.signed else mean

    def order(self, figure: Figure) -> float:
        """Give what a click on the heading sorts by."""
        return figure.distance if self.signed else figure.mean


@dataclass(frozen=True)
class Row:
    """A method in one mode.

    Attributes:
        method: its name.
        mode: input, blind or oracle.
        figures: one a column; None where it lacks what others have.
    """

    method: str
    mode: str
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        name: what it is of, and over how much.
        columns: the measures.
        rows: the noisy image first, then the methods in the run's order.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def is_nearest(self, row: Row, place: int) -> bool:
        """Whether no method comes nearer to the best value of the column at a place, if that is marked."""
        here = row.figures[place]
        if here is None or row.mode == INPUT or not self.columns[place].marked:
            return False
        figures = (one.figures[place] for one in self.rows if one.mode != INPUT)
        return here.distance == min(figure.distance for figure in figures if figure is not None)


@dataclass(frozen=True)
class Topic:
    """Tables that are read alike.

    Attributes:
        title: what they show.
        readings: of each thing in them, how to read it.
        grids: one a modality.
    """

    title: str
    readings: Mapping[str, str]
    grids: tuple[Grid, ...]


def make_grid(
    name: str, columns: Sequence[Column], values: Mapping[tuple[str, str], Sequence[Sequence[float]]]
) -> Grid:
    """Average values into a table.

    Args:
        name: of the table.
        columns: the measures.
        values: of each method and mode, those of each column, of which the figure is the mean; none of them for none.
    """
    rows = [Row(*names, tuple(map(_figure, columns, found))) for names, found in values.items()]
    return Grid(name, tuple(columns), tuple(sorted(rows, key=lambda row: row.mode != INPUT)))


def _figure(column: Column, values: Sequence[float]) -> Figure | None:
    if not values:
        return None
    return Figure(float(np.mean(values)), float(np.mean(np.abs(np.subtract(values, column.best)))))
