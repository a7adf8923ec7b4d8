"""The configurations of a bundle that brings its own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["initialized_by_run"]


def initialized_by_run(config: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Let ``run`` do first what ``initialize`` does.

    MONAI puts the bundle's folder where Python looks for modules when a run begins, which is after ``initialize``: what
    that names would be looked for in the current folder alone.

    Args:
        config: a configuration, or one that is laid over ``base``.
        base: the whole configuration that it stands for or is laid over.

    Returns:
        A configuration that does the same from any folder.
    """
    steps = config.get("initialize", [])
    if not steps:
        return dict(config)
    return {**config, "initialize": [], "run": [*steps, *config.get("run", base["run"])]}
