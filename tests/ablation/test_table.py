"""Claims about the tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from monai_gan_denoise.ablation.table import Outcome, write_tables
from monai_gan_denoise.ablation.variants import choose_variants

ALL = {variant.name: variant for variant in choose_variants()}
OUTCOMES = [
    Outcome(ALL["recipe"], {"psnr": 30.0, "ssim": 0.9, "seconds": 12.0}),
    Outcome(ALL["no-mean"], {"psnr": 29.5, "ssim": 0.91, "seconds": 12.0}),
    Outcome(ALL["simulated"], {"psnr": 30.2, "ssim": 0.9, "real_psnr": 26.0, "real_ssim": 0.6, "seconds": 12.0}),
    Outcome(ALL["white"], {"psnr": 27.2, "ssim": 0.8, "real_psnr": 24.0, "real_ssim": 0.5, "seconds": 12.0}),
    Outcome(ALL["dcgan"], {}, "RuntimeError: out of memory"),
]


def test_a_part_buys_what_is_lost_without_it(tmp_path: Path) -> None:
    write_tables(tmp_path, OUTCOMES, 2000)
    with (tmp_path / "ablation.csv").open() as stream:
        rows = {row["variant"]: row for row in csv.DictReader(stream)}
    assert float(rows["no-mean"]["buys_psnr"]) == pytest.approx(0.5)
    assert float(rows["no-mean"]["buys_ssim"]) == pytest.approx(-0.01)
    assert float(rows["white"]["buys_psnr"]) == pytest.approx(3.0)  # against simulated, not the recipe
    assert float(rows["white"]["buys_real_psnr"]) == pytest.approx(2.0)
    assert rows["recipe"]["buys_psnr"] == rows["no-mean"]["real_psnr"] == rows["dcgan"]["psnr"] == ""
    assert rows["dcgan"]["note"] == "RuntimeError: out of memory"


def test_the_page_has_a_row_a_variant_and_the_budget(tmp_path: Path) -> None:
    write_tables(tmp_path, OUTCOMES, 2000)
    page = (tmp_path / "ablation.md").read_text()
    assert "2000 iterations" in page
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0][2:] for line in lines[1:]] == [one.variant.name for one in OUTCOMES]
    assert "| 29.50 / 0.9100 | recipe | +0.50 / -0.0100 |" in page
    assert "out of memory" in lines[-1]
