"""The tables of discs, against findings that are made here."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from monai_gan_denoise.benchmark.report.lesions import lesion_topics
from monai_gan_denoise.benchmark.structure import Finding

METHODS = (("m", "blind"), ("noisy", "input"), ("m", "oracle"))
KINDS = list(product((3, 12), (0.5, 4.0)))


def findings(modality: str, measure: str, values: np.ndarray) -> list[Finding]:
    """A finding a method and kind, ``values`` having a row a method."""
    return [
        Finding(modality, *method, *kind, measure, float(value))
        for method, row in zip(METHODS, values, strict=True)
        for kind, value in zip(KINDS, row, strict=True)
    ]


def test_contrast_kept_is_in_per_cent_by_size_and_contrast() -> None:
    shares = np.random.default_rng(17).uniform(-0.1, 1.2, (3, 4))
    kept, false = lesion_topics(findings("mr", "contrast_kept", shares))
    (grid,) = kept.grids
    assert not false.grids
    assert [(column.name, column.detail) for column in grid.columns] == [
        ("3 px", "CNR 0.5"),
        ("3 px", "CNR 4"),
        ("12 px", "CNR 0.5"),
        ("12 px", "CNR 4"),
    ]
    assert [(row.method, row.mode) for row in grid.rows] == [("noisy", "input"), ("m", "blind"), ("m", "oracle")]
    for row, expected in zip(grid.rows, shares[[1, 0, 2]], strict=True):
        written = [column.text(figure) for column, figure in zip(grid.columns, row.figures, strict=True)]
        assert [int(text) for text in written] == [round(100 * share) for share in expected]


def test_false_detections_are_counts_in_a_table_of_each_modality() -> None:
    counts = np.arange(12).reshape(3, 4) / 8  # of eight draws
    found = [*findings("us", "false_detections", counts), *findings("ct", "false_detections", counts + 1)]
    kept, false = lesion_topics(found)
    assert not kept.grids
    assert [grid.name for grid in false.grids] == ["CT", "Ultrasound"]
    first = false.grids[1].rows[1]
    assert [figure.mean for figure in first.figures if figure] == [0, 1 / 8, 2 / 8, 3 / 8]
    assert "contrast" in false.readings["px, CNR ≥"]


def test_discs_mark_no_method_since_the_noisy_image_keeps_all() -> None:
    kept, _ = lesion_topics(findings("mr", "contrast_kept", np.ones((3, 4))))
    (grid,) = kept.grids
    assert not any(grid.is_nearest(row, place) for row in grid.rows for place in range(4))


def test_a_contrast_that_is_rounded_to_nothing_has_no_sign_and_one_that_is_no_number_a_dash() -> None:
    kept, _ = lesion_topics(findings("mr", "contrast_kept", np.array([[-0.001, math.nan, 0, 1]] * 3)))
    (grid,) = kept.grids
    row = grid.rows[0]
    written = [column.text(figure) for column, figure in zip(grid.columns, row.figures, strict=True)]
    assert written == ["0", "–", "0", "100"]  # noqa: RUF001 (as the page writes it)
