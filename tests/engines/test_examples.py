"""Example images of a validation, read back from TensorBoard's file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine
from PIL import Image

from monai_gan_denoise.engines import ExampleImages


def test_examples_show_noisy_denoised_and_clean_side_by_side(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    draws = torch.Generator().manual_seed(0)
    output = {key: torch.rand(3, 1, 8, 8, generator=draws) for key in ("image", "pred", "label")}
    output["image"][0] += 1  # noise goes beyond the range
    engine = Engine(lambda engine, batch: output)
    ExampleImages(tmp_path, count=2).attach(engine)
    engine.run([0, 1], max_epochs=2)
    events = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    events.Reload()
    written = events.Images("noisy, denoised, clean")
    assert [event.step for event in written] == [1, 2]
    shown = np.asarray(Image.open(io.BytesIO(written[0].encoded_image_string)).convert("L")) / 255
    columns = [output[key][row, 0] for row in range(2) for key in ("image", "pred", "label")]
    np.testing.assert_allclose(shown, torch.cat(columns, 1).clamp(0, 1), atol=1 / 255)
