"""What the figures draw, read back from their artists and their files."""

from __future__ import annotations

import base64
import io
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from monai_gan_denoise.benchmark import Protocol
from monai_gan_denoise.benchmark.records import Record
from monai_gan_denoise.benchmark.report.display import display_of
from monai_gan_denoise.benchmark.report.examples import choose_examples, show_example
from monai_gan_denoise.benchmark.report.montage import draw_montage
from monai_gan_denoise.benchmark.report.pictures import colored, gray, save_figure
from monai_gan_denoise.benchmark.report.plots import draw_bars, draw_quality_against_time
from monai_gan_denoise.benchmark.report.sections import Entry, Table
from monai_gan_denoise.benchmark.task import Task
from monai_gan_denoise.benchmark.timing import Timing

TABLE = Table(
    "CT",
    "mean over 3 cells",
    "3000 HU",
    2,
    (
        Entry("noisy", "input", 0, 20.0, 0.2, 0.1),
        Entry("ours", "blind", 0, 36.0, 0.9, 0.02),
        Entry("nlm", "oracle", 0, 35.0, 0.88, 0.02),
        Entry("nlm", "blind", 0, 33.0, 0.8, 0.03),
        Entry("tv", "blind", 0, math.nan, math.nan, math.nan, None, "broken"),
    ),
)
TIMINGS = [Timing("ours", 512, 1, 3, 1.0, 80.0), Timing("nlm", 512, 1, 3, 0.7, 9.0), Timing("tv", 512, 1, 3)]


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,")))))


@pytest.mark.parametrize(("panel", "measure"), [(0, "psnr"), (1, "ssim")])
def test_a_bar_is_as_long_as_its_mean(panel: int, measure: str) -> None:
    axes = draw_bars(TABLE, "title").axes[panel]
    expected = sorted(getattr(one, measure) for one in TABLE.entries if not one.note)
    assert sorted(bar.get_width() for bar in axes.patches) == pytest.approx(expected)


def test_noisy_has_a_bar_and_a_line_in_every_panel() -> None:
    for axes, level in zip(draw_bars(TABLE, "title").axes, (20.0, 0.2), strict=True):
        assert level in [bar.get_width() for bar in axes.patches]
        (line,) = axes.lines
        assert list(line.get_xdata()) == [level, level]


def test_oracle_bars_are_hatched_and_blind_ones_are_not() -> None:
    axes = draw_bars(TABLE, "title").axes[0]
    hatched = [bar.get_width() for bar in axes.patches if bar.get_hatch()]
    assert hatched == [35.0]


def test_quality_is_drawn_at_the_time_of_the_serial_pass() -> None:
    axes = draw_quality_against_time(TABLE, TIMINGS).axes[0]
    points = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"}
    assert points == {(1.0, 36.0), (0.7, 33.0), (0.7, 35.0)}
    assert [20.0, 20.0] in [list(line.get_ydata()) for line in axes.lines]  # the noisy image
    assert axes.get_xscale() == "log"


def test_names_of_methods_that_are_alike_lie_below_one_another() -> None:
    entries = [Entry(name, "blind", 0, 36.0 - 0.01 * number, 0.9, 0.02) for number, name in enumerate(("a", "b", "c"))]
    timings = [Timing(one.method, 512, 1, 3, 1.0) for one in entries]
    axes = draw_quality_against_time(replace(TABLE, entries=tuple(entries)), timings).axes[0]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in "abc"]
    assert [box.y0 for box in boxes] == sorted((box.y0 for box in boxes), reverse=True)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_the_montage_holds_images_and_residuals_with_their_scales(
    measured: tuple[Protocol, list[Task], list[Record]],
) -> None:
    protocol, tasks, records = measured
    example = show_example(choose_examples(records, tasks)[0])
    display = display_of(example, protocol)
    names = list(display.images)
    panels = draw_montage(example, display).axes[: 3 * len(names)]
    rows = [panels[: len(names)], panels[len(names) : 2 * len(names)], panels[2 * len(names) :]]
    for row, images, limits in (
        (rows[0], display.images, (display.black, display.white)),
        (rows[1], display.removed, (-display.removed_limit, display.removed_limit)),
        (rows[2], display.errors, (-display.error_limit, display.error_limit)),
    ):
        for axes, name in zip(row, names, strict=True):
            assert len(axes.images) == (name in images)
            for drawn in axes.images:
                np.testing.assert_array_equal(drawn.get_array(), images[name])
                assert drawn.get_clim() == limits
    titles = [axes.get_title() for axes in rows[0]]
    assert f"{example.choice.scores['ours'].psnr:.2f} dB" in titles[names.index("ours")]
    assert f"{example.choice.scores['noisy'].psnr:.2f} dB" in titles[0]


def test_gray_is_linear_from_black_to_white() -> None:
    image = np.array([[-500.0, -160.0], [40.0, 900.0]])
    picture = gray(image, -160, 240, "words")
    np.testing.assert_array_equal(decoded(picture.uri)[..., 1], [[0, 0], [128, 255]])
    assert (picture.width, picture.height, picture.words) == (2, 2, "words")


def test_a_residual_has_the_colors_of_matplotlib() -> None:
    pixels = decoded(colored(np.array([[-9.0, -3.0, 0.0, 1.5, 9.0]]), 3.0, "words").uri)
    expected = colormaps["RdBu_r"]([0, 0, 0.5, 0.75, 1.0], bytes=True)[..., :3]
    assert np.abs(pixels[0].astype(int) - expected).max() <= 1


def test_a_figure_is_the_same_in_the_file_and_on_the_page(tmp_path: Path) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots()
    picture = save_figure(figure, tmp_path / "a.png", "words")
    np.testing.assert_array_equal(decoded(picture.uri), np.asarray(Image.open(tmp_path / "a.png"))[..., :3])
    assert (picture.width, picture.height) == (200, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
