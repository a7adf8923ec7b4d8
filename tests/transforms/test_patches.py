"""Claims about how images become patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_gan_denoise.engines import SlicewiseInferer
from monai_gan_denoise.scans.slices import pixel_spacing
from monai_gan_denoise.transforms import RandPatchesd, StackSlicesd, collate_patches


def cutter(seed: int = 1, **settings: Any) -> RandPatchesd:
    transform = RandPatchesd("label", **{"size": 8, "count": 50, **settings})
    transform.set_random_state(seed)
    return transform


def half_empty(slices: int = 1) -> Tensor:
    stack = torch.zeros(slices, 64, 64)
    stack[:, :, 48:] = 0.5
    return stack


@pytest.mark.parametrize(
    ("shape", "axis"), [((20, 24), None), ((4, 20, 24), 0), ((20, 4, 24), 1), ((20, 24, 4), 2), ((20, 24, 4, 3), 2)]
)
def test_a_volume_trains_as_the_slices_that_inference_shows_the_network(shape: tuple[int, ...], axis: int) -> None:
    image = MetaTensor(torch.rand(1, *shape), meta={"slice_axis": axis})
    shown: list[Tensor] = []

    def network(images: Tensor) -> Tensor:
        shown.extend(images[:, 0])
        return images

    SlicewiseInferer(batch_size=5, progress=False)(image[None], network)
    stack = StackSlicesd("label")({"label": image, "modality": "mr"})["label"]
    assert torch.equal(stack, torch.stack(shown))
    assert not isinstance(stack, MetaTensor)


@pytest.mark.parametrize(
    ("modality", "bit_range", "expected"),
    [("ct", (0, 255), True), ("ct", None, False), ("us", (0, 255), False)],
)
def test_a_ct_of_8_bits_is_marked_as_windowed(modality: str, bit_range: Any, expected: bool) -> None:
    image = MetaTensor(torch.rand(1, 16, 16), meta={"bit_range": bit_range, "modality": modality})
    stacked = StackSlicesd("label")({"label": image})
    assert stacked["windowed"] is expected
    assert stacked["modality"] == modality


def test_of_a_pair_the_noisy_side_tells_whether_it_was_windowed() -> None:
    sides = {
        key: MetaTensor(torch.rand(1, 16, 16), meta={"bit_range": bits})
        for key, bits in {"label": None, "image": (0, 255)}.items()
    }
    assert StackSlicesd(["label", "image"])({**sides, "modality": "ct"})["windowed"] is True


@pytest.mark.parametrize(("axis", "expected"), [(0, 6**0.5), (1, 3**0.5), (2, 2**0.5), (None, 2**0.5)])
def test_the_spacing_is_the_geometric_mean_within_a_slice_whatever_the_orientation(
    axis: int | None, expected: float
) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * (1.0, 2.0, 3.0)
    assert pixel_spacing(affine, axis) == pytest.approx(expected)


def test_a_stack_keeps_the_spacing_that_its_file_tells() -> None:
    told, silent = (
        StackSlicesd("label")({"label": MetaTensor(torch.rand(1, 16, 16, 2), affine=affine), "modality": "ct"})
        for affine in (torch.diag(torch.tensor([0.5, 0.8, 3.0, 1.0])), torch.eye(4))
    )
    assert told["spacing"] == pytest.approx(0.4**0.5)
    assert "spacing" not in silent


@pytest.mark.parametrize(
    ("modality", "bit_range", "kept"), [("ct", None, True), ("ct", (0, 255), False), ("us", None, False)]
)
def test_only_a_ct_in_hu_keeps_its_bank(modality: str, bit_range: Any, kept: bool) -> None:
    image = MetaTensor(torch.rand(1, 16, 16), meta={"bit_range": bit_range, "modality": modality})
    stacked = StackSlicesd("label")({"label": image, "low_dose_noise": torch.zeros(2, 16, 16)})
    assert ("low_dose_noise" in stacked) is kept


def test_patches_come_from_everywhere() -> None:
    stack = torch.arange(1, 3 * 10 * 11 + 1).reshape(3, 10, 11).float()
    corners = {int(patch["label"][0, 0, 0]) for patch in cutter(count=1000)({"label": stack})}
    assert corners == set(stack[:, :3, :4].flatten().int().tolist())


def test_patches_are_what_stands_in_the_image_at_their_place() -> None:
    stack = torch.rand(3, 20, 20)
    transform = cutter()
    for patch, (index, row, column) in zip(transform({"label": stack}), transform.places, strict=True):
        np.testing.assert_array_equal(patch["label"], stack.numpy()[index, row : row + 8, column : column + 8][None])


def test_empty_background_is_rare_but_there() -> None:
    patches = cutter(count=2000, size=16, foreground=0.25)({"label": half_empty()})
    empty = np.mean([bool((patch["label"] == 0).all()) for patch in patches])
    # Of 49 columns 33 begin an empty patch, and 36 one that is less than a quarter full and drawn anew thrice.
    assert empty == pytest.approx((33 / 49) * (36 / 49) ** 3, abs=0.03)


def test_an_image_that_is_all_background_still_gives_patches() -> None:
    assert len(cutter()({"label": torch.zeros(1, 16, 16)})) == 50


def test_pair_and_bank_are_cut_at_the_same_place() -> None:
    stack = torch.rand(1, 32, 32)
    data = {"label": stack, "image": stack + 1, "low_dose_noise": torch.cat([stack + 2, stack + 3])}
    transform = RandPatchesd(["label", "image"], size=8, count=20)
    for patch in transform(data):
        assert torch.equal(patch["image"], patch["label"] + 1)
        assert torch.equal(patch["low_dose_noise"], torch.cat([patch["label"] + 2, patch["label"] + 3]))


def test_each_slice_has_its_own_bank_if_there_are_as_many() -> None:
    stack = torch.rand(5, 16, 16)
    for patch in cutter()({"label": stack, "low_dose_noise": stack[:, None] + torch.arange(2.0)[:, None, None]}):
        assert torch.equal(patch["low_dose_noise"], torch.cat([patch["label"], patch["label"] + 1]))


def test_same_seed_cuts_the_same_patches() -> None:
    first, again, other = (cutter(seed) for seed in (1, 1, 2))
    for transform in (first, again, other):
        transform({"label": half_empty()})
    assert first.places == again.places
    assert first.places != other.places


def test_a_batch_keeps_what_only_some_images_have() -> None:
    bank = torch.rand(2, 4, 4)
    items = [
        [{"label": torch.zeros(1, 4, 4), "modality": "mr"}, {"label": torch.ones(1, 4, 4), "modality": "mr"}],
        [{"label": torch.full((1, 4, 4), 2.0), "modality": "ct", "low_dose_noise": bank}],
    ]
    batch = collate_patches(items)
    assert batch["label"][:, 0, 0, 0].tolist() == [0, 1, 2]
    assert batch["modality"] == ["mr", "mr", "ct"]
    assert batch["low_dose_noise"][:2] == [None, None]
    assert torch.equal(batch["low_dose_noise"][2], bank)


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="images must be at least 8 pixels wide, got 7 x 30"):
        cutter()({"label": torch.ones(1, 7, 30)})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"attempts": 0}, "attempts must be at least 1, got 0"),
        ({"foreground": 1.5}, r"foreground must be in \[0, 1\], got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cutter(**settings)
