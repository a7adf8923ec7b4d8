"""The model card that Hugging Face shows: the bundle's own page, behind what machines read.

Reference: https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import posixpath
import re

import yaml

__all__ = ["model_card"]

RELATIVE_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)[^)\s]+")
TAGS = re.compile(r"^## Tags\n(.+)$", re.MULTILINE)
FIELDS = {
    "license": "other",
    "license_name": "apache-2.0-code-research-only-weights",  # the code's, and what the sources of the images allow
    "license_link": "docs/data_license.txt",
    "library_name": "monai",
    "pipeline_tag": "image-to-image",
    "metrics": ["psnr", "ssim"],
}


def model_card(page: str) -> str:
    """Make README.md at the bundle's root of docs/README.md.

    Args:
        page: the text of docs/README.md, with a line of tags below the heading "Tags".

    Returns:
        The page behind its front matter, its links as seen from the root.

    Raises:
        ValueError: if the page has no tags.
    """
    found = TAGS.search(page)
    if found is None:
        raise ValueError("page must hold tags below the heading '## Tags', got none. Write a line of them.")
    tags = [tag.strip().lower() for tag in found[1].split(",")]
    fields = yaml.safe_dump({**FIELDS, "tags": ["monai", "medical", *tags]}, sort_keys=False)
    body = RELATIVE_LINK.sub(lambda link: posixpath.normpath(f"docs/{link[0]}"), page)
    return f"---\n{fields}---\n{body}"
