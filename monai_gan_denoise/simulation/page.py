"""The page of laws, bundle/docs/noise.md: its table and its figure are made from the laws.

``python -m monai_gan_denoise.simulation.page bundle/docs/noise.md`` makes them again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from monai_gan_denoise.io import whole_file
from monai_gan_denoise.simulation.figure import draw_laws
from monai_gan_denoise.simulation.table import markdown_table

__all__ = ["table_in", "update_page"]

TABLE = re.compile(r"(?<=<!-- laws -->\n).*?(?=\n<!-- end of laws -->)", re.DOTALL)


def update_page(page: Path) -> None:
    """Replace the table of a page, and draw the figure beside it under the page's name.

    Raises:
        ValueError: if the page has no marks where the table is.
    """
    text = page.read_text(encoding="utf-8")
    table_in(text)
    with whole_file(page) as partial:
        partial.write_text(TABLE.sub(lambda _: markdown_table(), text), encoding="utf-8")
    draw_laws(page.with_suffix(".png"))


def table_in(text: str) -> str:
    """Give the table of a page's text.

    Raises:
        ValueError: if the text has no marks where the table is.
    """
    found = TABLE.search(text)
    if found is None:
        raise ValueError("page must hold the marks <!-- laws --> and <!-- end of laws -->, got none. Add them.")
    return found.group()


if __name__ == "__main__":
    update_page(Path(sys.argv[1]))
