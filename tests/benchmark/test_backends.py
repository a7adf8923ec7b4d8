"""The table of backends: ratios to the first row, and bfloat16 as what no backend may be."""

from __future__ import annotations

import pytest

from monai_gan_denoise.backends import BACKENDS
from monai_gan_denoise.backends.placement import AGREEMENT
from monai_gan_denoise.benchmark.backends import WAYS, Speed, measure, table


def test_the_table_compares_with_its_first_row() -> None:
    lines = table([Speed("torch", 0.2, 0.0), Speed("onnx", 0.16, 4.2e-7)]).splitlines()
    assert lines[2:] == ["| torch | 0.200 | 1.00 | 0 |", "| onnx | 0.160 | 1.25 | 4e-07 |"]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_backends_agree_with_torch_on_the_shipped_weights_and_bfloat16_does_not(way: str) -> None:
    speed = measure(way)
    assert speed.seconds > 0
    assert (speed.difference <= AGREEMENT) == (way in BACKENDS)
