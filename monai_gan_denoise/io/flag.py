"""Switches as MONAI's command line passes them."""

from __future__ import annotations

__all__ = ["flag"]

WORDS = {"true": True, "false": False}


def flag(value: bool | str) -> bool:
    """Take a switch, also as ``true`` or ``false``, which the bundle's command line hands over as text.

    Raises:
        ValueError: if it is neither.
    """
    if isinstance(value, bool):
        return value
    if (word := str(value).lower()) in WORDS:
        return WORDS[word]
    raise ValueError(f"a switch must be true or false, got {value!r}. Pass one of them.")
