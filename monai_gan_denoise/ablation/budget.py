"""A short run in the proportions of the recipe's long one."""

from __future__ import annotations

from pathlib import Path

from monai.bundle import ConfigParser

__all__ = ["shorten"]

TURNS = ("warmup", "decay_from", "adversarial_from", "adversarial_warmup")  # iterations, counted from the start
FORGETTING = 0.5  # largest momentum of the moving average, which a run of a few iterations would exceed


def shorten(recipe: Path, iterations: int) -> dict[str, float]:
    """Set the length of a run, and all that depends on it.

    The turns of the schedule stay in proportion. So does the memory of the moving average, in which a short run's first
    weights would otherwise be left. The run is validated once, at its end.

    Args:
        recipe: train.json.
        iterations: of the short run.

    Returns:
        Entries of train.json.

    Raises:
        ValueError: if there are too few iterations for the schedule to turn.
    """
    parser = ConfigParser()
    parser.read_config(recipe)
    share = iterations / parser.get_parsed_content("iterations")
    turns = {name: max(1, round(share * parser.get_parsed_content(name))) for name in TURNS}
    if not turns["warmup"] < turns["decay_from"] < turns["adversarial_from"] < iterations:
        raise ValueError(f"--iterations must be enough for the schedule, got {iterations}. Pass 10 or more.")
    epochs = max(1, round(iterations / parser.get_parsed_content("epoch_length")))
    momentum = min(parser.get_parsed_content("ema_momentum") / share, FORGETTING)
    length = {"iterations": iterations, "epoch_length": iterations // epochs, "val_interval": epochs}
    return {**length, **turns, "ema_momentum": momentum}
