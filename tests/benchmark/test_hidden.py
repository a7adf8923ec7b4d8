"""What the tables of hidden harm say, against means that are taken here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from monai_gan_denoise.benchmark.records import Output, Record
from monai_gan_denoise.benchmark.report.grids import Grid, Topic
from monai_gan_denoise.benchmark.report.hidden import hidden_topics, untaken
from monai_gan_denoise.benchmark.structure import UNMEASURED, Finding, Structure
from monai_gan_denoise.metrics.scores import Score

SCORE = Score(30, 0.9, 0.001, 0.03)
DRAWS = np.random.default_rng(16)
DISCS = Structure((Finding("ct", "m", "blind", 3, 0.5, "contrast_kept", 0.5),))


def record(cell: str, method: str, image: str, mode: str = "blind", width: float = 255, **measures: float) -> Record:
    return Record(*cell.split("/"), method, mode, image, image, Output(mode, width, False, SCORE, measures))


def broken(cell: str, method: str, image: str) -> Record:
    return Record(*cell.split("/"), method, "blind", image, image, None, "broken", failed=True)


def random_records(cell: str, values: Mapping[str, np.ndarray], measure: str = "edge_preservation") -> Iterator[Record]:
    """A record a value, the images being numbered."""
    for method, found in values.items():
        for image, value in enumerate(found):
            yield record(cell, method, str(image), "input" if method == "noisy" else "blind", **{measure: value})


def only(topics: list[Topic]) -> Grid:
    ((grid,),) = (topic.grids for topic in topics)
    return grid


def texts(grid: Grid, place: int = 0) -> dict[str, str]:
    return {row.method: grid.columns[place].text(row.figures[place]) for row in grid.rows}


def test_figures_are_means_over_cells_and_images_and_the_noisy_image_is_first() -> None:
    values = {method: DRAWS.random((2, 3)) for method in ("m", "noisy", "other")}
    found = [
        one
        for number, level in enumerate(("10", "25"))
        for one in random_records(f"us/gaussian/{level}", {method: value[number] for method, value in values.items()})
    ]
    grid = only(hidden_topics(found, UNMEASURED))
    assert [row.method for row in grid.rows] == ["noisy", "m", "other"]
    assert texts(grid) == {method: f"{sum(value.ravel()) / 6:.3f}" for method, value in values.items()}
    assert grid.name == "Ultrasound, simulated noise: mean over 6 noisy images"


def test_clean_cells_stay_out_and_real_pairs_have_a_table_of_their_own() -> None:
    levels = {"ct/gaussian/25": 0.2, "ct/clean/0": 0.9, "ct/real/measured": 0.6}
    found = [record(cell, "m", "a", edge_preservation=value) for cell, value in levels.items()]
    (topic,) = hidden_topics(found, UNMEASURED)
    assert {grid.name.partition(":")[0]: texts(grid)["m"] for grid in topic.grids} == {
        "CT, simulated noise": "0.200",
        "CT, real pairs": "0.600",
    }


def test_opposite_shifts_cancel_in_the_first_figure_alone() -> None:
    shifts = np.array([8.0, -9.0, 2.5])
    grid = only(hidden_topics([*random_records("ct/gaussian/25", {"m": shifts}, "bias_fat")], UNMEASURED))
    assert texts(grid) == {"m": f"{shifts.sum() / 3:+.1f} / {(8 + 9 + 2.5) / 3:.1f}"}
    assert (grid.columns[0].name, grid.columns[0].detail) == ("fat", "HU, 0 is best")


def test_what_lacks_an_image_that_another_has_is_not_averaged_over_the_rest() -> None:
    found = [*random_records("mr/gaussian/25", {"whole": DRAWS.random(2)}), broken("mr/gaussian/25", "part", "0")]
    found += [record("mr/gaussian/25", "part", "1", edge_preservation=1.0)]
    assert texts(only(hidden_topics(found, UNMEASURED)))["part"] == "–"  # noqa: RUF001 (as the page writes it)


def test_gradients_of_images_in_other_units_are_averaged_in_per_cent_of_their_range() -> None:
    found = [
        record("mr/gaussian/25", "m", "a", width=4095, gradient_distance=81.9),
        record("mr/gaussian/25", "m", "b", width=255, gradient_distance=2.55),
    ]
    grid = only(hidden_topics(found, UNMEASURED))
    assert texts(grid) == {"m": "1.50"}  # of 2 % and 1 %
    assert grid.columns[0].detail.startswith("% of the range")


def test_the_method_nearest_to_the_best_value_is_marked_and_never_the_noisy_image() -> None:
    values = {"noisy": 0.0, "left": -0.3, "right": 0.2, "far": 0.9}
    arrays = {method: np.array([value]) for method, value in values.items()}
    grid = only(hidden_topics([*random_records("xr/gaussian/25", arrays, "residual_correlation")], UNMEASURED))
    assert [row.method for row in grid.rows if grid.is_nearest(row, 0)] == ["right"]


def test_what_was_measured_of_no_image_has_no_column() -> None:
    found = [record("us/gaussian/25", "m", "a", edge_preservation=0.5, spectrum_distance=3.0)]
    grid = only(hidden_topics(found, UNMEASURED))
    assert [column.name for column in grid.columns] == ["edges kept", "spectrum off"]


@pytest.mark.parametrize("structure", [UNMEASURED, DISCS, Structure(failed=("ct discs m: broken",))])
@pytest.mark.parametrize("measures", [{}, {"edge_preservation": 0.5}])
def test_the_options_that_were_not_given_are_named_and_no_other(
    measures: dict[str, float], structure: Structure
) -> None:
    words = untaken([record("us/gaussian/25", "m", "a", **measures)], structure)
    assert ("--measures" in words, "--structure" in words) == (not measures, structure == UNMEASURED)
    assert bool(words) == (not measures or structure == UNMEASURED)
