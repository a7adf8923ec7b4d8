"""The table of backends: ratios to the first row, and bfloat16 as what no backend may be."""

from __future__ import annotations

import pytest

from monai_gan_denoise.backends.placement import AGREEMENT
from monai_gan_denoise.benchmark.backends import BFLOAT16, Speed, measure, table


def test_the_table_compares_with_its_first_row() -> None:
    lines = table([Speed("torch", 0.2, 0.0), Speed("onnx", 0.16, 4.2e-7)]).splitlines()
    assert lines[2:] == ["| torch | 0.200 | 1.00 | 0 |", "| onnx | 0.160 | 1.25 | 4e-07 |"]


@pytest.mark.slow
def test_bfloat16_changes_pixels_by_more_than_a_backend_may() -> None:
    reference, rounded = measure("torch"), measure(BFLOAT16)
    assert reference.difference == 0
    assert rounded.difference > AGREEMENT
    assert min(reference.seconds, rounded.seconds) > 0
