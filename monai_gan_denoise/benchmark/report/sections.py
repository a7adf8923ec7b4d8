"""What the page says in numbers: of each cell and each modality, noisy, ours and the best peers side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from monai_gan_denoise.benchmark.methods import BLIND, NOISY, ORACLE, OURS
from monai_gan_denoise.benchmark.peers import PEERS
from monai_gan_denoise.benchmark.protocol import CLEAN, REAL, Cell, Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.display import MODALITIES
from monai_gan_denoise.benchmark.report.summary import Group, groups, overall

__all__ = ["Entry", "Section", "Table", "overall_table", "sections"]

EIGHT_BITS = 255  # width of the range


@dataclass(frozen=True)
class Entry:
    """Means of one method in one mode.

    Attributes:
        method: its name.
        mode: input, blind or oracle.
        images: how many they are over.
        psnr: in dB.
        ssim: structural similarity.
        rmse: in units of the range.
        interval: confidence interval of the mean PSNR, where there is one.
        note: why images have no score.
    """

    method: str
    mode: str
    images: int
    psnr: float
    ssim: float
    rmse: float
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """All methods on one thing.

    Attributes:
        name: of the thing: a cell, or what is averaged.
        meaning: a phrase.
        range: to which the figures refer, in words.
        images: how many.
        entries: noisy first, then from the highest PSNR down; those without a figure last.
    """

    name: str
    meaning: str
    range: str
    images: int
    entries: tuple[Entry, ...]

    @property
    def noisy(self) -> Entry | None:
        """The noisy image."""
        return self._best([NOISY], None)

    @property
    def ours(self) -> Entry | None:
        """Ours."""
        return self._best([OURS], BLIND)

    @property
    def blind(self) -> Entry | None:
        """The blind peer of highest PSNR."""
        return self._best(PEERS, BLIND)

    @property
    def oracle(self) -> Entry | None:
        """The oracle peer of highest PSNR."""
        return self._best(PEERS, ORACLE)

    @property
    def highest(self) -> float:
        """The highest PSNR of a method."""
        return max((one.psnr for one in (self.ours, self.blind, self.oracle) if one), default=float("nan"))

    def _best(self, methods: Collection[str], mode: str | None) -> Entry | None:
        suited = [one for one in self.entries if one.method in methods and mode in (None, one.mode) and not one.note]
        return max(suited, key=lambda one: one.psnr, default=None)


@dataclass(frozen=True)
class Section:
    """A modality.

    Attributes:
        modality: its key.
        title: its name.
        means: over its cells of simulated noise; None if it has none.
        cells: a table each, and a window's after its cell's.
    """

    modality: str
    title: str
    means: Table | None
    cells: tuple[Table, ...]

    @property
    def real_pairs(self) -> Table | None:
        """The cell of real pairs, where there is one, under the modality's name."""
        found = next((one for one in self.cells if one.name.startswith(f"{REAL} ")), None)
        return found and replace(found, name=f"{self.title}, real pairs")


def sections(records: Sequence[Record], protocol: Protocol, taken: Sequence[Group] = ()) -> list[Section]:
    """Gather the records by modality, in the protocol's order; a modality without images has no section."""
    found = groups(records, taken)
    made = []
    for modality, title in MODALITIES.items():
        here = [one for one in found if one.cell.split("/")[0] == modality]
        if here:
            cells = [cell for cell in protocol.cells if any(one.cell == cell.name for one in here)]
            tables = tuple(table for cell in cells for table in _cell_tables(cell, here, records, protocol))
            parts = [one for one in records if one.modality == modality]
            means = _means(title, parts, protocol, [one for one in taken if one.cell.split("/")[0] == modality])
            made.append(Section(modality, title, means, tables))
    return made


def overall_table(records: Sequence[Record], protocol: Protocol, taken: Sequence[Group] = ()) -> Table | None:
    """Average over all modalities; None if there is no simulated noise."""
    table = _means("All modalities", records, protocol, taken)
    return table and replace(table, range="each image's own range")


def _means(name: str, records: Sequence[Record], protocol: Protocol, taken: Sequence[Group]) -> Table | None:
    means = list(overall(groups(records, taken)))
    if not means:
        return None
    simulated = [one for one in records if one.law not in (CLEAN, REAL)]
    cells, images = means[0].cells, {(one.modality, one.image) for one in simulated}
    scores = [(one.method, one.mode, one.score) for one in means]
    entries = [Entry(method, mode, len(images), score.psnr, score.ssim, score.rmse) for method, mode, score in scores]
    meaning = f"mean over {cells} cell{'s' * (cells > 1)} of simulated noise"
    return Table(name, meaning, _own_ranges(simulated, protocol), len(images), _sorted(entries))


def _cell_tables(cell: Cell, found: Sequence[Group], records: Sequence[Record], protocol: Protocol) -> Iterator[Table]:
    here = [one for one in found if one.cell == cell.name]
    for window in dict.fromkeys(one.window for one in here):
        chosen = [one for one in here if one.window == window]
        own = _own_ranges([one for one in records if one.cell == cell.name], protocol)
        words = own if window is None else _window_words(cell.modality, window, protocol)
        images = max(one.images for one in chosen)
        yield Table(f"{cell.law} {cell.level}", cell.meaning, words, images, _sorted(map(_entry, chosen)))


def _entry(one: Group) -> Entry:
    if not one.images:
        return Entry(one.method, one.mode, 0, math.nan, math.nan, math.nan, None, one.note)
    interval = one.describe("psnr")["ci"]
    ends = (interval[0], interval[1]) if isinstance(interval, list) else None
    psnr, ssim, rmse = (one.mean(measure) for measure in ("psnr", "ssim", "rmse"))
    return Entry(one.method, one.mode, one.images, psnr, ssim, rmse, ends, one.note)


def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    def place(one: Entry) -> tuple[bool, bool, float]:
        return one.method != NOISY, math.isnan(one.psnr), -one.psnr

    return tuple(sorted(entries, key=place))


def _own_ranges(records: Sequence[Record], protocol: Protocol) -> str:
    outputs = [(one.modality, one.output) for one in records if one.output is not None]
    widths = sorted({(modality, output.range) for modality, output in outputs if not output.window})
    return " or ".join(dict.fromkeys(_range_words(*each, protocol) for each in widths))


def _range_words(modality: str, width: float, protocol: Protocol) -> str:
    low, high = protocol.ct_range
    if modality == "ct" and width == high - low:
        return f"{width:g} HU"
    return f"{width:g} gray levels" if width == EIGHT_BITS else f"{width:g} units"


def _window_words(modality: str, width: float, protocol: Protocol) -> str:
    low, high = next(ends for ends in protocol.windows[modality] if ends[1] - ends[0] == width)
    return f"window [{low:g}, {high:g}] HU"
