"""What is said about uneven slices; the slices stay as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monai_gan_denoise.io.dicom.geometry import Plane
from monai_gan_denoise.io.dicom.spacing import unevenness


def stack(heights: list[float | None]) -> list[Plane]:
    return [Plane(None if height is None else (0.0, 0.0, height)) for height in heights]


@pytest.mark.parametrize(
    "heights",
    [[0], [None, None], [0, 7], [0, 5, 10], [0.0, 0.7001, 1.3999, 2.1], [10, 0, 5], [-2.5, 0, 2.5, 5.0]],
)
def test_nothing_is_said_about_even_slices(heights: list[float | None]) -> None:
    assert unevenness(stack(heights)) is None


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ([0, 5, 10, 20, 25], "slices missing: 1, by the usual step of 5 mm"),
        ([0, 5, 25, 30, 35], "slices missing: 3, by the usual step of 5 mm"),
        ([0, 5, 5, 10], "slices where another lies: 1"),
        ([0, 0, 5, 5, 10, 10], "2 slices lie at each of 3 positions"),
        ([0, 5, 11, 20], "steps between slices range from 5 to 9 mm"),
        ([0, 5, 10, 10.4, 15], "steps between slices range from 0.4 to 5 mm"),
        ([0, 5, None, 10], "slices without a position: 1 of 4"),
        ([0, 5, 5, 20, 25], "slices where another lies: 1, slices missing: 2, by the usual step of 5 mm"),
    ],
)
def test_each_kind_of_unevenness_is_said(heights: list[float | None], said: str) -> None:
    assert unevenness(stack(heights)) == said


def test_a_tilted_gantry_is_said_with_its_angle() -> None:
    tilt = math.radians(15)
    cosines = (1.0, 0.0, 0.0), (0.0, math.cos(tilt), math.sin(tilt))
    planes = [Plane((0.0, 0.0, 5.0 * index), *cosines) for index in range(4)]
    assert unevenness(planes) == "each slice is shifted along its plane as by a gantry tilted by 15.0 degrees"


def test_slices_that_turn_are_said_to_be_not_parallel() -> None:
    angles = np.radians([0, 60, 120])
    planes = [Plane((0.0, 0.0, 0.0), (float(np.cos(a)), float(np.sin(a)), 0.0), (0.0, 0.0, -1.0)) for a in angles]
    assert unevenness(planes) == "slices are not parallel"
