"""The curves of a training as a figure: its loss, and what validation said.

python -m monai_gan_denoise.curves RUN... FIGURE.png    # the runs' output folders, in their order
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from monai_gan_denoise.io import whole_file
from monai_gan_denoise.terminal import fail

__all__ = ["draw_curves", "main", "read_curves"]

PANELS = {"loss": "loss", "psnr": "validation PSNR / dB", "ssim": "validation SSIM", "d_loss": "discriminator's loss"}
LOGGED_EVERY = 50  # updates, of the terms of the loss; as now_and_then of train.json says
SMOOTHING = 20  # values of the loss, each of other images and noise

Curve = list[tuple[int, float]]


def read_curves(runs: Sequence[Path]) -> dict[str, Curve]:
    """Read the scalars that runs left for TensorBoard, one run after another.

    Args:
        runs: output folders; each run's updates are counted on from the last of the run before.

    Returns:
        For each name of a scalar its updates and values. What is logged once an epoch is placed at the epoch's end.

    Raises:
        ValueError: if a folder is absent, or holds no scalars, no whole epoch or too few updates.
    """
    curves: dict[str, Curve] = defaultdict(list)
    start = 0
    for run in runs:
        scalars = _scalars(run)
        terms = [curve for name, curve in scalars.items() if name not in PANELS]
        if not scalars:
            raise ValueError(f"run must hold TensorBoard's scalars, got none in {run}. Pass the output of a training.")
        if "loss" not in scalars:
            raise ValueError(f"run must have a whole epoch, got none in {run}. Train longer.")
        if not terms:  # by which alone it is known how many updates an epoch has
            raise ValueError(f"run must have {LOGGED_EVERY} updates or more, got fewer in {run}. Train longer.")
        updates = max(step for curve in terms for step, _ in curve)
        epochs = max(step for step, _ in scalars["loss"])
        for name, curve in scalars.items():
            scale = updates / epochs if name in ("loss", "psnr", "ssim") else 1
            curves[name] += [(start + round(step * scale), value) for step, value in curve]
        start += updates
    return dict(curves)


def draw_curves(curves: dict[str, Curve], figure: Path) -> None:
    """Draw loss, validation and, if there is one, the discriminator's loss against the number of updates."""
    from matplotlib.figure import Figure

    panels = [name for name in PANELS if curves.get(name)]
    page = Figure(figsize=(3.6 * len(panels), 3), layout="constrained")
    for axes, name in zip(page.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        steps, values = zip(*curves[name], strict=True)
        axes.plot(steps, values, linewidth=1, alpha=0.35 if name == "d_loss" else 1, color="tab:blue")
        if name == "d_loss":
            axes.plot(steps, _smooth(values), linewidth=1.5, color="tab:blue")
        axes.set(xlabel="updates", title=PANELS[name])
        axes.grid(alpha=0.3)
    with whole_file(figure) as partial:
        page.savefig(partial, dpi=120, format="png")


def main(arguments: Sequence[str]) -> None:
    """Draw the figure, or say in one line why not and end with 2."""
    if len(arguments) < 2:
        fail(f"arguments must be RUN... FIGURE.png, got {' '.join(arguments) or 'none'}. Name runs and a file.")
    try:
        draw_curves(read_curves([Path(run) for run in arguments[:-1]]), Path(arguments[-1]))
    except (ValueError, OSError) as error:
        fail(str(error))


def _scalars(run: Path) -> dict[str, Curve]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    if not run.is_dir():
        raise ValueError(f"run must be a folder, got {run}. Check the path.")
    scalars: dict[str, Curve] = defaultdict(list)
    for events in sorted(run.glob("events.out.tfevents.*")):
        log = EventAccumulator(str(events), size_guidance={"scalars": 0}).Reload()
        for name in log.Tags()["scalars"]:
            scalars[name] += [(event.step, event.value) for event in log.Scalars(name)]
    return {name: sorted(curve) for name, curve in scalars.items()}


def _smooth(values: Sequence[float]) -> list[float]:
    windows = (values[max(0, end - SMOOTHING) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]


if __name__ == "__main__":
    main(sys.argv[1:])
