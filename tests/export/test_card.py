"""Claims about the model card: what Hugging Face reads, and links that lead somewhere from the bundle's root."""

from __future__ import annotations

import re

import pytest
import yaml

from monai_gan_denoise.export import model_card

PAGE = "# Model\n\n## Tags\nDenoising, X-ray, GAN\n\n"


def front_matter(card: str) -> dict[str, object]:
    _, fields, _ = re.split(r"^---\n", card, maxsplit=2, flags=re.MULTILINE)
    return dict(yaml.safe_load(fields))


def test_the_front_matter_says_what_the_hub_asks_for() -> None:
    fields = front_matter(model_card(PAGE))
    assert fields["library_name"] == "monai"
    assert fields["pipeline_tag"] == "image-to-image"
    assert fields["tags"] == ["monai", "medical", "denoising", "x-ray", "gan"]
    # The hub wants both of these beside "other", the name in lower case.
    assert fields["license"] == "other"
    assert re.fullmatch(r"[a-z0-9.-]+", str(fields["license_name"]))
    assert fields["license_link"] == "docs/data_license.txt"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[noise](noise.md)", "[noise](docs/noise.md)"),
        ("![a CT slice](ct.png)", "![a CT slice](docs/ct.png)"),
        ("[license](../LICENSE)", "[license](LICENSE)"),
        ("[MONAI](https://monai.io)", "[MONAI](https://monai.io)"),
        ("[above](#data)", "[above](#data)"),
    ],
)
def test_links_are_seen_from_the_root(link: str, expected: str) -> None:
    assert model_card(PAGE + link).endswith(expected)


def test_the_page_itself_follows() -> None:
    assert model_card(PAGE).endswith(f"---\n{PAGE}")


def test_a_page_without_tags_is_refused() -> None:
    with pytest.raises(ValueError, match="page must hold tags below the heading '## Tags', got none"):
        model_card("# Model\n")
