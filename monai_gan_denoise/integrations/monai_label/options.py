"""What clients may choose, and what they chose: forms send numbers as text, and a list where nothing was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MODALITIES", "check_number", "choose", "modalities"]

MODALITIES = ("auto", "ct", "mr", "xr", "us", "oct")


def modalities(default: str) -> list[str]:
    """Offer the modalities, the default one first.

    Raises:
        ValueError: if the default is none of them.
    """
    if default not in MODALITIES:
        raise ValueError(f"modality must be one of {', '.join(MODALITIES)}, got {default!r}. Correct --conf.")
    return [default, *(modality for modality in MODALITIES if modality != default)]


def choose(request: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Take from a request what was offered; what it lacks is the default, of a list the first.

    Args:
        request: of a client, with more in it than that.
        options: names and defaults as the client was shown them; a list holds all that can be chosen.

    Returns:
        A value for each of the options; numbers may still be text.

    Raises:
        ValueError: if something was chosen that is not in a list.
    """
    chosen = {name: request.get(name, default) for name, default in options.items()}
    chosen = {name: value[0] if isinstance(value, list) and value else value for name, value in chosen.items()}
    for name, offered in options.items():
        if isinstance(offered, list) and chosen[name] not in offered:
            raise ValueError(f"{name} must be one of {', '.join(offered)}, got {chosen[name]!r}. Choose one of them.")
    return chosen


def check_number(name: str, value: Any, low: float, high: float) -> float:
    """Read a number in ``[low, high]``.

    Raises:
        ValueError: if it is none, or lies outside.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value!r}. Choose such a number.")
    return number
