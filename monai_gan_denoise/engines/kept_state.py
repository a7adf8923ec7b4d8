"""What is kept of a long training in the repository: its averaged weights in half precision, and where it stood.

Checkpoints hold optimizers and the discriminator too, forty times as much, and stay where the run is. Machines change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

__all__ = ["keep_state"]


def keep_state(checkpoint: str | Path, output: str | Path) -> Path:
    """Write the averaged weights of a checkpoint in half precision, and its count of updates and settings beside them.

    ``train --init FILE`` goes on from the weights.

    Args:
        checkpoint: what a training has written, ``checkpoint_epoch=N.pt``.
        output: file of the weights, replaced; a JSON file of the same name is written beside it.

    Returns:
        ``output``.

    Raises:
        KeyError: if the checkpoint is none of a training of ours.

    Example::

        keep_state("runs/long/checkpoint_epoch=40.pt", "state/long_run.pt")
    """
    output = Path(output)
    content: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {name: value.half() for name, value in content["ema"].items()}
    position = content["position"]
    told = {"updates": position["iteration"], "validation": position["validation"], "settings": position["settings"]}
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, output)
    output.with_suffix(".json").write_text(json.dumps(told, indent=2) + "\n")
    return output
