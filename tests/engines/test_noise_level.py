"""The noise level that the network is told: its units, its factor, its map, and what is no level."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from monai.data import MetaTensor
from torch import Generator, Tensor, nn

from monai_gan_denoise.engines import NoiseLevel, SlicewiseInferer, check_noise_level
from monai_gan_denoise.networks import GanDenoiser
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.transforms import NormalizeModalityd


class Shift(nn.Module):
    """Takes the level away from the image; its own estimate is the local mean, 3 x 3, of the absolute values."""

    def __init__(self) -> None:
        super().__init__()
        self.estimated = self.told = 0

    def noise_level(self, noisy: Tensor) -> Tensor:
        self.estimated += len(noisy)
        return F.avg_pool2d(noisy.abs(), 3, 1, 1, count_include_pad=False)

    def forward(self, noisy: Tensor, level: Tensor | None = None) -> Tensor:
        self.told += level is not None
        return noisy - (self.noise_level(noisy) if level is None else level)


def estimate(volume: Tensor) -> Tensor:
    """The estimate of ``Shift``, slice by slice."""
    return torch.stack([Shift().noise_level(part[None, None])[0, 0] for part in volume.unbind(2)], 2)


def normalized(volume: Tensor, modality: str = "ct", **meta: Any) -> MetaTensor:
    image = MetaTensor(volume[None], meta={"filename_or_obj": "scan.nii", "slice_axis": 2, **meta})
    return NormalizeModalityd("image")({"image": image, "modality": modality})["image"][None]


def infer(image: Tensor, network: Any, **settings: Any) -> Any:
    with torch.inference_mode():
        return SlicewiseInferer(2, progress=False, **settings)(image, network)


@pytest.fixture
def volume(rng: Generator) -> Tensor:
    return torch.rand((17, 18, 5), generator=rng)


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("auto", "auto"),
        (" AUTO ", "auto"),
        ("25", "25"),
        (25, "25"),
        (2.5e-7, "2.5e-07"),
        ("1.50x", "1.5x"),
        ("0.5X", "0.5x"),
        ("1x", "auto"),
        (np.float32(12.5), "12.5"),
        (torch.tensor(3), "3"),
    ],
)
def test_a_setting_is_read_and_written(setting: Any, written: str) -> None:
    assert str(NoiseLevel.of(setting)) == written
    assert str(NoiseLevel.of(NoiseLevel.of(setting))) == written


@pytest.mark.parametrize(
    "setting", ["-1", "0", "0x", "-2x", "nan", "inf", "1e999", "25mm", "25 HU", "abc", "x", "", "1_0", -3, True, None]
)
def test_what_is_no_level_is_refused(setting: Any) -> None:
    with pytest.raises(
        ValueError, match=r"noise_level must be auto, a positive number .*, got .*\. Pass one of them\."
    ):
        NoiseLevel.of(setting)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1.0])
def test_a_map_holds_finite_numbers_from_0_up(wrong: float) -> None:
    level = np.ones((4, 4))
    level[1, 2] = wrong
    with pytest.raises(ValueError, match=r"noise_level must be a map of finite numbers from 0 up, got 1 others"):
        NoiseLevel.of(level)


def test_maps_of_other_values_have_other_names() -> None:
    one, other = NoiseLevel.of(np.ones((4, 4))), NoiseLevel.of(np.full((4, 4), 2.0))
    assert str(one) != str(other)
    assert str(one) == str(NoiseLevel.of(torch.ones((4, 4), dtype=torch.float64)))


def test_a_number_is_in_the_units_of_the_image(volume: Tensor) -> None:
    image = normalized(3000 * volume - 1000)  # HU; the range of CT is 3000 HU wide
    result = infer(image, Shift(), noise_level=30)
    torch.testing.assert_close(result.as_tensor(), image.as_tensor() - 30 / 3000)


def test_a_number_for_8_bits_is_in_gray_levels(volume: Tensor) -> None:
    image = normalized(255 * volume, "us", bit_range=(0.0, 255.0))
    torch.testing.assert_close(
        infer(image, Shift(), noise_level="51").as_tensor(), image.as_tensor() - 0.2, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_factor_multiplies_the_networks_own_estimate(factor: float, volume: Tensor) -> None:
    result = infer(volume[None, None], Shift(), noise_level=f"{factor}x")
    torch.testing.assert_close(result[0, 0], volume - factor * estimate(volume))


def test_a_map_is_told_slice_by_slice(volume: Tensor, rng: Generator) -> None:
    level = 100 * torch.rand(volume.shape, generator=rng)
    image = normalized(3000 * volume - 1000)
    result = infer(image, Shift(), noise_level=level.numpy())
    torch.testing.assert_close(result.as_tensor()[0, 0], image.as_tensor()[0, 0] - level / 3000)


def test_a_map_of_another_shape_is_refused(volume: Tensor) -> None:
    with pytest.raises(InputError, match=r"map of the image's shape \(17, 18, 5\), got \(17, 18\) in the array\. Pass"):
        infer(volume[None, None], Shift(), noise_level=np.ones((17, 18)))


def test_auto_without_a_map_is_one_call_of_the_network(volume: Tensor) -> None:
    network = Shift()
    infer(volume[None, None], network)
    assert (network.estimated, network.told) == (5, 0)  # by the network itself


def test_auto_with_a_map_gives_the_same_image_and_the_networks_estimate_in_the_images_units(volume: Tensor) -> None:
    image = normalized(3000 * volume - 1000)
    alone = infer(image, Shift())
    result, level = infer(image, Shift(), noise_map=True)
    assert torch.equal(result.as_tensor(), alone.as_tensor())
    assert level.dtype == torch.float32
    assert level.meta["filename_or_obj"] == "scan.nii"
    expected = 3000 * estimate(image.as_tensor()[0, 0])
    torch.testing.assert_close(level.as_tensor()[0, 0], expected)


@pytest.mark.parametrize(
    ("setting", "expected"), [(30, lambda own: torch.full_like(own, 30)), ("2x", lambda own: 2 * own)]
)
def test_the_map_is_of_the_level_that_was_used(setting: Any, expected: Any, volume: Tensor) -> None:
    image = normalized(3000 * volume - 1000)
    _, level = infer(image, Shift(), noise_level=setting, noise_map=True)
    torch.testing.assert_close(level.as_tensor()[0, 0], expected(3000 * estimate(image.as_tensor()[0, 0])))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_map_lies_as_the_volume_does(axis: int, volume: Tensor) -> None:
    image = MetaTensor(volume[None, None], meta={"slice_axis": axis})
    result, level = infer(image, Shift(), noise_map=True)
    torch.testing.assert_close(volume - level.as_tensor()[0, 0], result.as_tensor()[0, 0])


def test_a_constant_slice_has_level_0(volume: Tensor) -> None:
    volume[..., 1] = 0.5
    result, level = infer(volume[None, None], Shift(), noise_level=0.1, noise_map=True)
    assert torch.equal(result[0, 0, ..., 1], volume[..., 1])
    assert not level[0, 0, ..., 1].any()
    assert (level[0, 0, ..., 0] == 0.1).all()


def test_the_estimate_alone_is_the_map(volume: Tensor) -> None:
    volume[..., 1] = 0.5
    image, network = normalized(3000 * volume - 1000), Shift()
    _, level = infer(image, network, noise_map=True)
    network.told = 0
    with torch.inference_mode():
        alone = SlicewiseInferer(3, progress=False).estimate(image, network)
    assert torch.equal(alone.as_tensor(), level.as_tensor())


@pytest.fixture
def network(rng: Generator) -> GanDenoiser:
    network = GanDenoiser(
        features=(6, 8), blocks=1, refinement_features=6, refinement_blocks=1, level_features=(4,)
    ).eval()
    torch.nn.init.normal_(network.refinement.head.weight, std=0.3, generator=rng)
    return network


@pytest.mark.parametrize("setting", ["auto", "1.5x", 0.1, "map"])
def test_windows_give_what_the_whole_image_does(setting: Any, network: GanDenoiser, rng: Generator) -> None:
    image = torch.rand((1, 1, 230, 40), generator=rng)
    level = 0.2 * torch.rand((230, 40), generator=rng).numpy() if setting == "map" else setting
    whole = infer(image, network, noise_level=level, noise_map=True)
    window = 2 * network.reach + 6 * network.stride
    assert window < 230
    parts = infer(image, network, noise_level=level, noise_map=True, window=window)
    for part, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(part, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("setting", ["auto", "1.5x", 0.1])
def test_slices_do_not_depend_on_their_batch(setting: Any, network: GanDenoiser, rng: Generator) -> None:
    image = torch.rand((1, 1, 32, 40, 4), generator=rng)
    with torch.inference_mode():
        one, three = (SlicewiseInferer(count, False, None, setting, True)(image, network) for count in (1, 3))
    for single, batched in zip(one, three, strict=True):
        torch.testing.assert_close(single, batched, atol=1e-5, rtol=0)


def test_a_constant_map_is_the_number(network: GanDenoiser, rng: Generator) -> None:
    image = torch.rand((1, 1, 32, 40), generator=rng)
    assert torch.equal(
        infer(image, network, noise_level=0.1), infer(image, network, noise_level=np.full((32, 40), 0.1))
    )


def test_the_network_is_told_what_it_is_told_by_hand(network: GanDenoiser, rng: Generator) -> None:
    image = torch.rand((1, 1, 32, 40), generator=rng)
    with torch.inference_mode():
        expected = network(image, 1.5 * network.noise_level(image))
    torch.testing.assert_close(infer(image, network, noise_level="1.5x"), expected, atol=1e-6, rtol=0)


def test_metal_does_not_raise_the_map(rng: Generator) -> None:
    image = torch.rand((1, 1, 20, 20), generator=rng)
    image[..., 3, 3] = 100
    _, level = infer(image, Shift(), noise_map=True)
    assert level.max() < 1  # (2 + 8 times 1 at most) / 9, since the network sees metal as 2


@pytest.mark.parametrize("asked", [{"noise_level": "1.5x"}, {"noise_level": 3}, {"noise_map": True}])
def test_a_network_without_a_level_cannot_be_told_one(asked: dict[str, Any], volume: Tensor) -> None:
    with pytest.raises(
        ValueError, match=r"noise_level must be auto for a network without a noise-level map such as Id"
    ):
        infer(volume[None, None], nn.Identity(), **asked)
    assert torch.equal(infer(volume[None, None], nn.Identity()), volume[None, None])
    check_noise_level(nn.Identity(), "auto")


@pytest.mark.parametrize(("told", "warned"), [(3.9, False), (4.1, True), (0.26, False), (0.24, True)])
@pytest.mark.parametrize("form", ["number", "map"])
def test_a_level_far_from_the_estimate_is_used_with_a_line_that_names_both(
    told: float, warned: bool, form: str, volume: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    class Sure(Shift):
        def noise_level(self, noisy: Tensor) -> Tensor:
            return torch.full_like(noisy, 0.01)

    image = normalized(3000 * volume - 1000)
    level = 30 * told if form == "number" else torch.full(volume.shape, 30 * told)
    inferer = SlicewiseInferer(2, False, noise_level=level)
    with caplog.at_level(logging.WARNING, "monai_gan_denoise"), torch.inference_mode():
        results = [inferer(image, Sure()) for _ in range(2)]
    torch.testing.assert_close(results[0].as_tensor(), image.as_tensor() - told / 100)
    line = (
        f"scan.nii: noise level {30 * told:.4g} is far from the network's own estimate, 30 at the median pixel; "
        "it is used."
    )
    assert caplog.messages == [line] * warned


def test_a_factor_is_never_far(volume: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "monai_gan_denoise"):
        infer(volume[None, None], Shift(), noise_level="10x")
    assert not caplog.messages
