"""How images reach the network."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from monai.data import MetaTensor
from torch import Generator, Tensor, nn

from monai_gan_denoise.engines import SlicewiseInferer, StagesInferer, inferers
from monai_gan_denoise.networks import GanDenoiser, Staged


class Blur(nn.Conv2d):
    """A mean over 3 x 3, of one image at a time or of a batch."""

    def __init__(self) -> None:
        super().__init__(1, 1, 3, padding=1, bias=False)
        nn.init.constant_(self.weight, 1 / 9)
        self.batches: list[int] = []

    def forward(self, noisy: Tensor) -> Tensor:
        self.batches.append(len(noisy))
        return super().forward(noisy)


def blurred(image: Tensor) -> Tensor:
    return F.avg_pool2d(image[None, None], 3, 1, 1)[0, 0]


def infer(volume: Tensor, axis: int | None, network: nn.Module, batch_size: int = 2) -> Tensor:
    image = MetaTensor(volume[None, None], meta={"slice_axis": axis, "filename_or_obj": "scan.nii"})
    with torch.inference_mode():
        result: Tensor = SlicewiseInferer(batch_size, progress=False)(image, network)
    assert result.meta["filename_or_obj"] == "scan.nii"
    return result.as_tensor()[0, 0]


@pytest.mark.parametrize("batch_size", [1, 2, 7])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_is_denoised_slice_by_slice_across_its_axis(axis: int, batch_size: int, rng: Generator) -> None:
    volume = torch.rand((17, 18, 19), generator=rng)
    network = Blur()
    result = infer(volume, axis, network, batch_size)
    expected = torch.stack([blurred(part) for part in volume.unbind(axis)], axis)
    torch.testing.assert_close(result, expected)
    assert max(network.batches) == batch_size
    assert sum(network.batches) == volume.shape[axis]


def test_without_a_slice_axis_it_is_the_third(rng: Generator) -> None:
    volume = torch.rand((17, 18, 4), generator=rng)
    expected = torch.stack([blurred(part) for part in volume.unbind(2)], 2)
    torch.testing.assert_close(infer(volume, None, Blur()), expected)
    with torch.inference_mode():
        plain = SlicewiseInferer(3, progress=False)(volume[None, None], Blur())
    torch.testing.assert_close(plain[0, 0], expected)


@pytest.mark.parametrize("axis", [0, 2])
def test_axes_beyond_the_third_are_more_slices(axis: int, rng: Generator) -> None:
    volume = torch.rand((17, 18, 16, 2, 3), generator=rng)
    result = infer(volume, axis, Blur(), 5)
    for i in range(2):
        for j in range(3):
            expected = torch.stack([blurred(part) for part in volume[..., i, j].unbind(axis)], axis)
            torch.testing.assert_close(result[..., i, j], expected)


def test_an_image_is_one_slice(rng: Generator) -> None:
    image = torch.rand((20, 24), generator=rng)
    torch.testing.assert_close(infer(image, None, Blur()), blurred(image))


def test_the_network_sees_the_same_as_when_it_is_run_by_hand(rng: Generator) -> None:
    network = GanDenoiser(features=(8, 8), blocks=1, refinement_features=8, refinement_blocks=1).eval()
    volume = torch.rand((20, 23, 3), generator=rng)
    with torch.no_grad():
        expected = torch.stack([network(volume[None, None, ..., index])[0, 0] for index in range(3)], -1)
    torch.testing.assert_close(infer(volume, 2, network), expected, rtol=1e-4, atol=1e-5)


def test_constant_slices_pass_unchanged_and_unseen_and_are_counted(
    rng: Generator, caplog: pytest.LogCaptureFixture
) -> None:
    volume = torch.rand((20, 24, 5), generator=rng)
    volume[..., 1], volume[..., 4] = 0.3, 0.0
    network = Blur()
    with caplog.at_level(logging.INFO, "monai_gan_denoise"):
        result = infer(volume, 2, network, 2)
    assert sum(network.batches) == 3
    assert torch.equal(result[..., [1, 4]], volume[..., [1, 4]])
    torch.testing.assert_close(result[..., 3], blurred(volume[..., 3]))
    assert caplog.messages == ["scan.nii: 2 of 5 slices are constant and were copied."]


def test_the_input_is_not_modified(rng: Generator) -> None:
    volume = torch.rand((20, 24, 3), generator=rng)
    before = volume.clone()
    infer(volume, 2, Blur())
    assert torch.equal(volume, before)


def test_the_progress_bar_counts_slices_on_a_terminal_alone(rng: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[dict[str, Any]] = []

    class Bar:
        def __init__(self, **settings: Any) -> None:
            self.counted = 0
            bars.append({**settings, "bar": self})

        def update(self, count: int) -> None:
            self.counted += count

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(inferers, "tqdm", Bar)
    SlicewiseInferer(2)(torch.rand((1, 1, 16, 16, 5), generator=rng), lambda noisy: noisy)
    (bar,) = bars
    assert (bar["total"], bar["unit"], bar["bar"].counted) == (5, "slice", 5)
    assert bar["disable"] is None  # tqdm: where there is no terminal
    assert bar["bar"].closed


def test_a_network_may_be_any_callable(rng: Generator) -> None:
    image = torch.rand((1, 1, 20, 24), generator=rng)
    assert torch.equal(SlicewiseInferer(1)(image, lambda noisy: 2 * noisy), 2 * image)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_holds_a_slice_at_least(batch_size: int) -> None:
    with pytest.raises(ValueError, match=rf"batch_size must be at least 1, got {batch_size}\."):
        SlicewiseInferer(batch_size)


def small_network() -> GanDenoiser:
    return GanDenoiser(features=(8, 8), blocks=1, refinement_features=8, refinement_blocks=1)


@pytest.mark.parametrize("told", [True, False])
def test_the_loss_gets_every_stage_of_the_network_as_it_is_told(told: bool, rng: Generator) -> None:
    network = small_network().eval()
    nn.init.normal_(network.generator.level_front.weight, generator=rng)
    slices = torch.rand((1, 5, 32, 32), generator=rng)
    level = torch.rand((1, 1, 32, 32), generator=rng) if told else None
    with torch.no_grad():
        stages = StagesInferer()(slices, Staged(network), level)
        expected = network.stages(slices, level)
        untold = network.stages(slices)
    assert len(stages) == 3
    for found, wanted in zip(stages, expected, strict=True):
        assert torch.equal(found, wanted)
    assert torch.equal(stages[0], untold[0]) is not told


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> dict[bool, float]:
    """What a pass takes with autocast and without."""
    taken = {True: 1.0, False: 2.0}
    clock = [0.0]

    def forward(staged: Staged, *images: Tensor) -> Any:
        clock[0] += taken[torch.is_autocast_enabled("cpu")]
        return staged.network.stages(*images)

    monkeypatch.setattr(Staged, "forward", forward)
    monkeypatch.setattr(inferers, "perf_counter", lambda: clock[0])
    return taken


@pytest.mark.usefixtures("seconds")
@pytest.mark.parametrize("slices", [1, 5])
def test_bfloat16_is_used_where_it_agrees_with_float32_and_is_faster(slices: int, rng: Generator) -> None:
    network = small_network()
    noisy = torch.rand((1, slices, 32, 32), generator=rng)
    inferer = StagesInferer(bfloat16=True)
    with torch.no_grad():
        found, exact = inferer(noisy, Staged(network))[0], network.stages(noisy)[0]
    assert inferer.bfloat16
    assert found.dtype == torch.float32
    assert not torch.equal(found, exact)
    torch.testing.assert_close(found, exact, rtol=0, atol=0.05)


def test_bfloat16_is_left_where_it_is_slower(
    seconds: dict[bool, float], rng: Generator, caplog: pytest.LogCaptureFixture
) -> None:
    seconds[True] = 6.0
    network = small_network()
    noisy = torch.rand((1, 1, 32, 32), generator=rng)
    inferer = StagesInferer(bfloat16=True)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "monai_gan_denoise"):
        found, exact = inferer(noisy, Staged(network))[0], network.stages(noisy)[0]
    assert torch.equal(found, exact)
    assert caplog.messages == ["bfloat16 is 3 times slower than float32 here; float32 is used."]


class WrongInBfloat16(GanDenoiser):
    """A network as a faulty release of torch would compute it."""

    def stages(self, noisy: Tensor, level: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        refined, coarse, estimated = super().stages(noisy, level)
        return (refined + torch.is_autocast_enabled("cpu"), coarse, estimated)


@pytest.mark.usefixtures("seconds")
def test_bfloat16_is_left_where_it_is_wrong(rng: Generator, caplog: pytest.LogCaptureFixture) -> None:
    network = WrongInBfloat16(features=(8, 8), blocks=1, refinement_features=8, refinement_blocks=1)
    noisy = torch.rand((1, 1, 32, 32), generator=rng)
    inferer = StagesInferer(bfloat16=True)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "monai_gan_denoise"):
        found, exact = inferer(noisy, Staged(network))[0], network.stages(noisy)[0]
    assert torch.equal(found, exact)
    assert "bfloat16 is off by" in caplog.messages[0]
