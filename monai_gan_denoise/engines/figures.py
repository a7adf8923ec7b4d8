"""Before and after: one picture a modality, so that the first thing a newcomer sees is a picture."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ignite.engine import Engine, Events
from monai.metrics import PSNRMetric, SSIMMetric

from monai_gan_denoise.io import read_manifest, read_scan, whole_file
from monai_gan_denoise.scans.slices import middle_slice

__all__ = ["BeforeAfterFigures"]

logger = logging.getLogger(__name__)

CT_WINDOW = (-1024.0, 1976.0)  # HU, the range that figures of merit refer to
Image = npt.NDArray[np.float32]


class BeforeAfterFigures:
    """Draw noisy, denoised, removed and clean side by side, for the first pair of each modality.

    Pairs come from the manifest.csv of ``dataset_dir``: rows with the same ``pair``, of kind noisy and clean. PSNR and
    SSIM (MONAI's, Gaussian window of 11) are of the slice shown, over the range written below the picture: HU
    [-1024, 1976], the bit range of 8-bit images, else the clean image's minimum to maximum.

    Args:
        dataset_dir: folder with a manifest.csv.
        output_dir: where ``<modality>.png`` go.
    """

    def __init__(self, dataset_dir: str | Path, output_dir: str | Path) -> None:
        self.dataset_dir, self.output_dir = Path(dataset_dir), Path(output_dir)

    def attach(self, engine: Engine) -> None:
        """Draw after every scan that starts a modality."""
        engine.add_event_handler(Events.STARTED, self._find_pairs)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._draw)

    def _find_pairs(self, _: Engine) -> None:
        rows = read_manifest(self.dataset_dir)
        clean = {row["pair"]: row["file"] for row in rows if row.get("pair") and row.get("kind") == "clean"}
        self.pairs = {
            str(self.dataset_dir / row["file"]): self.dataset_dir / clean[row["pair"]]
            for row in rows
            if row.get("kind") == "noisy" and row.get("pair") in clean
        }
        self.drawn: set[str] = set()

    def _draw(self, engine: Engine) -> None:
        item: Any = engine.state.output
        source = "" if "refusal" in item or "finished" in item else item["removed"].meta["files"][0]
        if source not in self.pairs or item["modality"] in self.drawn:
            return
        self.drawn.add(item["modality"])
        scan = read_scan([self.pairs[source]])
        images = (item["pred"][0] + item["removed"][0], item["pred"][0], scan.values)
        shown = [middle_slice(np.asarray(image), scan.slice_axis) for image in images]
        span = _range(scan.values, item["modality"], scan.bit_range)
        path = self.output_dir / f"{item['modality']}.png"
        _save(path, shown, span, item["modality"])
        logger.info("%s shows before and after.", path)


def _range(clean: Image, modality: str, bit_range: tuple[float, float] | None) -> tuple[float, float]:
    if bit_range:
        return bit_range
    return CT_WINDOW if modality == "ct" else (float(clean.min()), float(clean.max()))


def _score(image: Image, clean: Image, width: float) -> str:
    batches = [torch.as_tensor(each, dtype=torch.float32)[None, None] for each in (image, clean)]
    psnr = torch.as_tensor(PSNRMetric(max_val=width)(*batches)).item()
    ssim = torch.as_tensor(SSIMMetric(spatial_dims=2, data_range=width)(*batches)).item()
    return f"PSNR {psnr:.1f} dB, SSIM {ssim:.3f}"


def _save(path: Path, shown: list[Image], span: tuple[float, float], modality: str) -> None:
    # Plotting is no part of denoising: imported where a figure is drawn.
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    noisy, denoised, clean = shown
    width = span[1] - span[0]
    removed = noisy - denoised
    limit = float(np.percentile(np.abs(removed), 99.5)) or 1.0
    window = tuple(np.percentile(clean, (1, 99.7)))
    panels = (
        (noisy, f"noisy\n{_score(noisy, clean, width)}", window),
        (denoised, f"denoised\n{_score(denoised, clean, width)}", window),
        (removed, f"removed\n±{limit:.3g}", (-limit, limit)),
        (clean, "clean\n(reference)", window),
    )
    figure = Figure(figsize=(16, 4.6), layout=ConstrainedLayoutEngine(h_pad=0.08))  # inches
    for axes, (image, title, (lower, upper)) in zip(figure.subplots(1, 4), panels, strict=True):
        axes.imshow(image, cmap="gray", vmin=lower, vmax=upper, interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    figure.suptitle(
        f"{modality.upper()}, one slice; figures of merit over the range [{span[0]:g}, {span[1]:g}]", fontsize=11
    )
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=80)
