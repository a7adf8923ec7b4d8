"""What is averaged with what."""

from __future__ import annotations

import math

import pytest

from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.summary import groups, overall
from monai_gan_denoise.metrics.scores import Score


def record(cell: str, method: str, psnr: float | None, image: str = "a", window: bool = False) -> Record:
    output = None if psnr is None else Output("blind", 400.0, window, Score(psnr, 0.5, 0.1, 0.3))
    note = "" if output else "broken"
    return Record(*cell.split("/"), method, "blind", image, image, output, note, failed=bool(note))


def test_modalities_weigh_equally_whatever_their_cells_and_images() -> None:
    records = [record(f"mr/gaussian/{level}", "m", 30, image) for level in range(3) for image in "abc"]
    (whole,) = overall(groups([*records, record("us/gaussian/10", "m", 20)]))
    assert whole.score.psnr == 25
    assert whole.cells == 4


def test_clean_and_measured_images_and_windows_stay_out_of_the_mean() -> None:
    records = [
        record("ct/gaussian/10", "m", 30),
        record("ct/gaussian/10", "m", 10, window=True),
        record("ct/clean/0", "m", math.inf),
        record("ct/real/measured", "m", 5),
    ]
    (whole,) = overall(groups(records))
    assert whole.score.psnr == 30


def test_what_lacks_a_cell_or_an_image_has_no_mean_over_cells() -> None:
    records = [
        record("mr/gaussian/10", "whole", 30),
        record("us/gaussian/10", "whole", 30),
        record("mr/gaussian/10", "of one modality", 30),
        record("mr/gaussian/10", "failing", 30),
        record("us/gaussian/10", "failing", 30, "a"),
        record("us/gaussian/10", "failing", None, "b"),
    ]
    assert [one.method for one in overall(groups(records))] == ["whole"]


def test_a_window_is_incomplete_where_an_image_failed() -> None:
    records = [record("ct/gaussian/10", "m", 30, window=True), record("ct/gaussian/10", "m", None, "b")]
    window = next(one for one in groups(records) if one.window)
    assert not window.complete
    assert window.note == "broken"


def test_a_cell_is_described_over_its_images() -> None:
    (cell,) = groups([record("mr/gaussian/10", "m", psnr, image) for image, psnr in (("a", 20), ("b", 30))])
    described = cell.describe("psnr")
    assert described["mean"] == cell.mean("psnr") == 25
    assert described["std"] == pytest.approx(math.sqrt(50))
