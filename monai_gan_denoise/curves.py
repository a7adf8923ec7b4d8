"""The curves of a training as a figure: its loss, and what validation said.

python -m monai_gan_denoise.curves RUN... FIGURE.png    # the runs' output folders, in their order
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from monai_gan_denoise.io import whole_file

__all__ = ["draw_curves", "read_curves"]

PANELS = {"loss": "loss", "psnr": "validation PSNR / dB", "ssim": "validation SSIM", "d_loss": "discriminator's loss"}
SMOOTHING = 20  # values; the loss is logged every 50 updates, of other images and noise each time

Curve = list[tuple[int, float]]


def read_curves(runs: Sequence[Path]) -> dict[str, Curve]:
    """Read the scalars that runs left for TensorBoard, one run after another.

    Args:
        runs: output folders; each run's updates are counted on from the last of the run before.

    Returns:
        For each name of a scalar its updates and values. What is logged once an epoch is placed at the epoch's end.

    Raises:
        ValueError: if a folder holds no scalars.
    """
    curves: dict[str, Curve] = defaultdict(list)
    start = 0
    for run in runs:
        scalars = _scalars(run)
        terms = [curve for name, curve in scalars.items() if name not in PANELS]
        if not terms or "loss" not in scalars:
            raise ValueError(f"run must hold TensorBoard's scalars, got none in {run}. Pass the output of a training.")
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


def _scalars(run: Path) -> dict[str, Curve]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

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
    draw_curves(read_curves([Path(run) for run in sys.argv[1:-1]]), Path(sys.argv[-1]))
