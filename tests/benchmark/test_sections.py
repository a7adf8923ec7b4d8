"""What the page says in numbers, against the records."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from monai_gan_denoise.benchmark import load_protocol
from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.sections import overall_table, sections
from monai_gan_denoise.metrics.scores import Score

PROTOCOL = load_protocol()
FIGURES = {("noisy", "input"): 20, ("median", "blind"): 25, ("nlm", "blind"): 27, ("nlm", "oracle"): 31}


def records(cell: str, width: float = 255, images: str = "ab", window: float = 0, **more: float) -> Iterator[Record]:
    """A record an image and method; the second image scores 2 dB higher."""
    modality, law, level = cell.split("/")
    figures = {**FIGURES, **{(name, "blind"): psnr for name, psnr in more.items()}}
    for number, image in enumerate(images):
        for (method, mode), psnr in figures.items():
            for span in filter(None, (width, window)):
                score = Score(psnr + 2 * number, psnr / 100, 0.01, 0.1)
                output = Output(mode, span, span == window, score)
                yield Record(modality, law, level, method, mode, image, image, output)


def failing(cell: str, method: str, image: str = "a") -> Record:
    return Record(*cell.split("/"), method, "blind", image, image, None, "broken", failed=True)


def test_noisy_stands_first_then_the_highest() -> None:
    (section,) = sections([*records("us/gaussian/25", ours=30)], PROTOCOL)
    (table,) = section.cells
    assert [(one.method, one.mode) for one in table.entries] == [
        ("noisy", "input"),
        ("nlm", "oracle"),
        ("ours", "blind"),
        ("nlm", "blind"),
        ("median", "blind"),
    ]
    assert [one.psnr for one in table.entries] == [21, 32, 31, 28, 26]
    assert (table.images, table.range, table.meaning) == (2, "255 gray levels", "standard deviation, of a range of 255")


def test_ours_stands_beside_the_best_peer_of_each_mode() -> None:
    (section,) = sections([*records("us/gaussian/25", ours=30)], PROTOCOL)
    (table,) = section.cells
    chosen = (table.noisy, table.ours, table.blind, table.oracle)
    assert [(one.method, one.psnr) for one in chosen if one] == [("noisy", 21), ("ours", 31), ("nlm", 28), ("nlm", 32)]
    assert table.highest == 32


def test_what_lacks_an_image_is_never_the_best_and_says_why() -> None:
    found = [*records("us/gaussian/25", images="b", ours=30), failing("us/gaussian/25", "nlm")]
    (section,) = sections([*found, failing("us/gaussian/25", "tv")], PROTOCOL)
    (table,) = section.cells
    assert table.blind is not None
    assert table.blind.method == "median"
    broken = {one.method: (one.images, one.note) for one in table.entries if one.mode == "blind" and one.note}
    assert broken == {"nlm": (1, "broken"), "tv": (0, "broken")}
    assert math.isnan(table.entries[-1].psnr)


@pytest.mark.parametrize(
    ("cell", "width", "words"),
    [
        ("ct/gaussian/25", 3000, "3000 HU"),
        ("ct/gaussian/25", 255, "255 gray levels"),
        ("mr/gaussian/25", 4095, "4095 units"),
    ],
)
def test_the_range_is_said_in_its_unit(cell: str, width: float, words: str) -> None:
    (section,) = sections([*records(cell, width)], PROTOCOL)
    assert section.cells[0].range == words


def test_ranges_that_differ_by_image_are_both_said() -> None:
    found = [*records("mr/gaussian/25", 4095, "a"), *records("mr/gaussian/25", 255, "b")]
    (section,) = sections(found, PROTOCOL)
    assert section.cells[0].range == "255 gray levels or 4095 units"


def test_a_window_has_a_table_of_its_own() -> None:
    (section,) = sections([*records("ct/gaussian/25", 3000, window=400)], PROTOCOL)
    assert [table.range for table in section.cells] == ["3000 HU", "window [-160, 240] HU"]
    assert section.means is not None
    assert section.means.range == "3000 HU"


def test_the_interval_is_around_the_mean() -> None:
    (section,) = sections([*records("us/gaussian/25", images="abcdefgh")], PROTOCOL)
    entry = section.cells[0].entries[0]
    assert entry.psnr == pytest.approx(np.mean(20 + 2 * np.arange(8)))
    assert entry.interval is not None
    assert 20 < entry.interval[0] < entry.psnr < entry.interval[1] < 34


def test_means_leave_out_real_pairs_which_have_a_row_of_their_own() -> None:
    found = [*records("ct/gaussian/25", 3000), *records("ct/real/measured", 255, "xyz")]
    (section,) = sections(found, PROTOCOL)
    assert section.means is not None
    assert section.real_pairs is not None
    assert (section.means.images, section.means.range) == (2, "3000 HU")
    assert section.means.meaning == "mean over 1 cell of simulated noise"
    assert (section.real_pairs.name, section.real_pairs.images) == ("CT, real pairs", 3)


def test_modalities_come_in_the_order_of_the_protocol_and_weigh_equally() -> None:
    found = [*records("oct/gaussian/25", images="a"), *records("ct/gaussian/25"), *records("ct/gaussian/10")]
    assert [section.title for section in sections(found, PROTOCOL)] == ["CT", "OCT"]
    whole = overall_table(found, PROTOCOL)
    assert whole is not None
    assert whole.noisy is not None
    assert whole.noisy.psnr == pytest.approx((20 + 21) / 2)
    assert (whole.images, whole.meaning) == (3, "mean over 3 cells of simulated noise")


def test_without_simulated_noise_there_is_no_mean() -> None:
    found = [*records("ct/real/measured")]
    assert overall_table(found, PROTOCOL) is None
    assert sections(found, PROTOCOL)[0].means is None
