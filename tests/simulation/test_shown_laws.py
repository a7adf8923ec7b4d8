"""What users read of the laws: the table, the figure and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise import phantoms
from monai_gan_denoise.simulation import draw_laws, figure, law_table
from monai_gan_denoise.simulation.page import table_in, update_page
from monai_gan_denoise.simulation.table import markdown_table
from monai_gan_denoise.transforms.noise import LAWS, Law


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_the_table_tells_all_of_every_law(law: Law) -> None:
    alone = law_table({law.name: law}).splitlines()[2:]
    starts = [0, *np.cumsum([width + 2 for width in (16, 19, 36, 6, 5)]).tolist()]
    columns = [
        squeezed(" ".join(line[start:end] for line in alone))
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]
    assert columns[:3] == [law.name, ", ".join(law.modalities), law.meaning]
    assert [float(bound) for bound in columns[3:5]] == list(law.bounds)
    shown = dict(pair.split("=") for pair in columns[5].split(", ") if pair)
    assert shown.keys() == law.parameters.keys()
    for name, default in law.parameters.items():
        assert type(default)(shown[name]) == default


def test_the_table_has_plain_lines_of_120_columns_at_most() -> None:
    long = replace(LAWS["poisson"], meaning="word " * 60, parameters={f"parameter_{n}": n for n in range(30)})
    for line in law_table({**LAWS, "long": long}).splitlines():
        assert len(line) <= 120
        assert line.isascii()


def test_the_page_has_the_table_and_a_line_for_every_law(bundle_root: Path) -> None:
    text = (bundle_root / "docs" / "noise.md").read_text(encoding="utf-8")
    assert table_in(text) == markdown_table(), "python -m monai_gan_denoise.simulation.page bundle/docs/noise.md"
    equations = text[text.index("## Equations and sources") :]
    for name in LAWS:
        assert f"\n| `{name}` | " in equations


def test_the_markdown_table_has_a_row_a_law_with_its_levels() -> None:
    head, rule, *rows = (line.strip("|").split("|") for line in markdown_table().splitlines())
    assert {len(row) for row in (head, rule, *rows)} == {7}
    for row, law in zip(rows, LAWS.values(), strict=True):
        assert row[0].strip() == f"`{law.name}`"
        assert tuple(float(level) for level in row[-1].split(",")) == law.examples


def test_the_page_is_made_again_and_keeps_its_prose(tmp_path: Path) -> None:
    page = tmp_path / "noise.md"
    page.write_text("before\n<!-- laws -->\nold\n<!-- end of laws -->\nafter\n", encoding="utf-8")
    update_page(page)
    expected = f"before\n<!-- laws -->\n{markdown_table()}\n<!-- end of laws -->\nafter\n"
    assert page.read_text(encoding="utf-8") == expected
    assert (tmp_path / "noise.png").is_file()
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="page must hold the marks"):
        update_page(page)


def test_the_figure_shows_every_law_and_is_small_enough_for_a_page(tmp_path: Path) -> None:
    draw_laws(tmp_path / "new" / "laws.png")
    with Image.open(tmp_path / "new" / "laws.png") as image:
        pixels = np.asarray(image.convert("L")).astype(float)
    assert (tmp_path / "new" / "laws.png").stat().st_size < 1e6
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["laws.png"]
    clean = 255 * phantoms.head(figure.TILE)
    shown = pixels[figure.MARGIN + figure.HEADING + figure.CAPTION :, figure.MARGIN + figure.TILE + figure.GAP :]
    assert np.abs(shown[: figure.TILE, : figure.TILE] - clean).max() <= 8  # the head is the second phantom; 64 shades
    top = figure.MARGIN + (figure.LAW_HEIGHT + figure.MARGIN) + figure.HEADING + figure.CAPTION
    errors = []
    for number in range(3):  # the first law is gaussian, on the head
        left = figure.MARGIN + number * (figure.TILE + figure.GAP)
        tile = pixels[top : top + figure.TILE, left : left + figure.TILE]
        inside = (clean > 100) & (clean < 155)
        errors.append((tile - clean)[inside].std() / 255)
    np.testing.assert_allclose(errors, LAWS["gaussian"].examples, rtol=0.1)


def test_a_law_that_changes_nothing_is_drawn_all_the_same(tmp_path: Path) -> None:
    law = Law("none", lambda image, level, rng: image, ("ct",), "nothing", (0, 1), (0, 0.5, 1))
    draw_laws(tmp_path / "none.png", {"none": law})
    with Image.open(tmp_path / "none.png") as image:
        pixels = np.asarray(image.convert("L"))
    first, second = figure.MARGIN + figure.HEADING + figure.CAPTION, figure.LAW_HEIGHT + figure.MARGIN
    clean, shown = (
        pixels[top : top + figure.TILE, figure.MARGIN :][:, : figure.TILE] for top in (first, first + second)
    )
    assert np.ptp(clean) > 200
    assert np.array_equal(clean, shown)


def test_a_figure_that_is_no_png_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--figure must end in \.png, got .*laws\.jpg"):
        draw_laws(tmp_path / "laws.jpg")
    assert not list(tmp_path.iterdir())


def test_a_figure_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(image: Image.Image, path: Path, **_: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", cut)
    with pytest.raises(OSError, match="No space left"):
        draw_laws(tmp_path / "laws.png", {"gaussian": LAWS["gaussian"]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("draw", [phantoms.abdomen, phantoms.head])
def test_a_phantom_fills_its_range_and_holds_no_noise(draw: object) -> None:
    image = draw()  # type: ignore[operator]
    assert 0 <= image.min() < 0.01
    assert image.max() <= 1
    assert np.median(np.abs(np.diff(image, axis=1))) < 0.001
    assert np.array_equal(image, draw())  # type: ignore[operator]


def test_the_abdomen_is_in_hounsfield_units_after_scaling() -> None:
    image = phantoms.abdomen() * 3000 - 1024
    assert image[0, 0] == pytest.approx(-1000, abs=1)  # air around
    assert image[140, 80] == pytest.approx(110, abs=5)  # liver
    assert image[105, 69] == pytest.approx(70, abs=5)  # its lesion
