"""Claims about the noise that a file holds: how it is measured, split off, and put back beneath other noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Generator, Tensor

from monai_gan_denoise.transforms import NoiseDistribution, RandWindowd, SimulateNoise, SmoothTargetd
from monai_gan_denoise.transforms.smoothed_target import quiet_deviation, rolling_guidance

LEVEL = 0.03


@pytest.fixture
def scene() -> Tensor:
    """A step and a bright disc on a slope, without noise."""
    rows, columns = np.mgrid[:144, :144]
    scene = 0.3 + 0.002 * rows + 0.2 * (columns > 72)
    scene[(rows - 40) ** 2 + (columns - 30) ** 2 < 100] = 0.9
    return torch.as_tensor(scene, dtype=torch.float32)


@pytest.fixture
def noisy(scene: Tensor, rng: Generator) -> Tensor:
    return scene + LEVEL * torch.randn(scene.shape, generator=rng)


def test_deviation_of_quiet_places_is_that_of_the_noise_on_slopes_and_beside_edges(noisy: Tensor) -> None:
    assert quiet_deviation(noisy, 0.5) == pytest.approx(LEVEL, rel=0.05)


def test_background_is_not_looked_at(rng: Generator) -> None:
    assert quiet_deviation(0.01 * torch.rand((96, 96), generator=rng), 0.5) == 0
    assert quiet_deviation(torch.ones(8, 8), 0.5) == 0  # smaller than a block


def test_noise_goes_and_edges_stay(scene: Tensor, noisy: Tensor) -> None:
    smooth = rolling_guidance(noisy[None, None], torch.full((1, 1, 1, 1), LEVEL))[0, 0]
    error, before = smooth - scene, noisy - scene
    assert error.std() < before.std() / 2.5
    contrast = smooth[:, 74:77].mean() - smooth[:, 68:71].mean()
    assert contrast.item() == pytest.approx(0.2, abs=0.01)
    blurred = torch.as_tensor(ndimage.uniform_filter(noisy.numpy(), 7))
    beside = torch.as_tensor(ndimage.morphological_gradient(scene.numpy(), 3) > 0.1)
    assert error[beside].square().mean() < (blurred - scene)[beside].square().mean() / 4


def test_image_is_split_into_what_stays_and_what_goes(noisy: Tensor) -> None:
    items = SmoothTargetd("label", {"us": 0.5})({"label": noisy[None], "modality": "us"})
    torch.testing.assert_close(items["label"] + items["file_noise"], noisy[None])
    assert items["file_noise"].std().item() == pytest.approx(LEVEL, rel=0.15)


@pytest.mark.parametrize("more", [{"image": 1}, {"dead_leaves": 0}, {"photograph": 0}, {"modality": "mr"}])
def test_pairs_content_without_noise_and_other_modalities_pass(noisy: Tensor, more: dict[str, Any]) -> None:
    items = {"label": noisy[None], "modality": "us"} | more
    split = SmoothTargetd("label", {"us": 0.5})(items)
    assert split.keys() == items.keys()
    assert torch.equal(split["label"], noisy[None])


def test_quantile_outside_of_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="quantiles must be in"):
        SmoothTargetd("label", {"us": 1.5})


def simulate(removed: tuple[float, float], **more: Any) -> SimulateNoise:
    return SimulateNoise(
        NoiseDistribution({"all": {"gaussian": {"level": 0.1}}}, clean=1.0), removed={"us": removed}, **more
    )


def test_share_of_the_files_noise_is_asked_to_go(rng: Generator) -> None:
    label, own = torch.rand((2, 8, 1, 32, 32), generator=rng)
    noise = simulate((0.2, 0.9), contrast=(0.5, 0.5), offset=(0.1, 0.1))
    noisy, target = noise({"label": label, "file_noise": own, "modality": ["us"] * 8})
    assert noisy.mean().item() == pytest.approx((0.1 + 0.5 * (label + own).mean()).item(), rel=1e-5)
    # What is gone is the file's noise, turned as the image is: equal values in another order, times one share an image.
    gone = (noisy - target).flatten(1).sort().values / (0.5 * own).flatten(1).sort().values
    shares = gone.median(1).values
    torch.testing.assert_close(gone, shares[:, None].expand_as(gone), rtol=1e-2, atol=0)
    assert shares.min() >= 0.2
    assert shares.max() <= 0.9
    assert shares.std() > 0.1


def test_images_that_bring_no_noise_get_none_back(rng: Generator) -> None:
    label = torch.rand((2, 1, 32, 32), generator=rng)
    noisy, target = simulate((1.0, 1.0))({"label": label, "file_noise": [None, label[1]], "modality": ["us"] * 2})
    assert torch.equal(noisy[0], target[0])
    assert not torch.equal(noisy[1], target[1])


def test_of_a_modality_that_is_not_named_all_noise_stays(rng: Generator) -> None:
    label, own = torch.rand((2, 2, 1, 32, 32), generator=rng)
    noisy, target = simulate((1.0, 1.0))({"label": label, "file_noise": own, "modality": ["us", "oct"]})
    assert not torch.equal(noisy[0], target[0])
    assert torch.equal(noisy[1], target[1])


def test_window_scales_the_files_noise_along() -> None:
    items = {"label": torch.full((1, 4, 4), 0.5), "file_noise": torch.full((1, 4, 4), 0.01), "modality": "ct"}
    window = RandWindowd("label", prob=1.0, level=(0.0, 0.0), width=(300.0, 300.0), clip=False)
    assert window(items)["file_noise"].mean().item() == pytest.approx(0.01 * 3000 / 300)
