"""Claims about images of random shapes that hold no noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from skimage.measure import label
from skimage.restoration import estimate_sigma

from monai_gan_denoise.scans.modality import MODALITIES
from monai_gan_denoise.transforms import RenderDeadLeavesd, render_dead_leaves
from monai_gan_denoise.transforms.leaves.canvas import Canvas, cover_of
from monai_gan_denoise.transforms.leaves.fields import blur, draw_curve, draw_field
from monai_gan_denoise.transforms.leaves.shapes import Shape, blob, draw_radii, ellipse, rectangle, strip
from monai_gan_denoise.transforms.leaves.vessels import draw_tree

SIZE = (96, 96)
every_modality = pytest.mark.parametrize("modality", MODALITIES)


@lru_cache
def images(modality: str) -> np.ndarray:
    drawn = np.stack([render_dead_leaves(seed, modality)[0].numpy() for seed in range(8)])
    drawn.flags.writeable = False
    return drawn


@every_modality
def test_a_seed_gives_the_same_bits_and_another_seed_another_image(modality: str) -> None:
    first, again, other = (render_dead_leaves(seed, modality, SIZE) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_modalities_do_not_share_an_image() -> None:
    drawn = [render_dead_leaves(3, modality, SIZE).numpy().tobytes() for modality in MODALITIES]
    assert len(set(drawn)) == len(MODALITIES)


@every_modality
def test_values_are_finite_and_within_network_units(modality: str) -> None:
    drawn = images(modality)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.ptp(drawn, axis=(1, 2)).min() > 0.01


@every_modality
def test_hardly_any_noise_is_found(modality: str) -> None:
    assert np.median([estimate_sigma(image) for image in images(modality)]) < 0.1 / 255


@every_modality
def test_most_pixels_lie_where_nothing_bends(modality: str) -> None:
    bend = np.stack([ndimage.laplace(image.astype(np.float64)) for image in images(modality)])
    assert (np.abs(bend) < 2e-3).mean() > 0.6


def test_radii_follow_the_power_law_of_dead_leaves() -> None:
    low, high = 2.0, 100.0
    radii = draw_radii(np.random.RandomState(0), low, high, 4000)

    def distribution(r: np.ndarray) -> np.ndarray:  # the integral of r ** -3
        return (low**-2 - r**-2) / (low**-2 - high**-2)

    assert stats.kstest(radii, distribution).pvalue > 0.01


def test_mr_is_exactly_zero_outside_a_body_in_most_images() -> None:
    black = np.array([(render_dead_leaves(seed, "mr", SIZE) == 0).float().mean() for seed in range(40)])
    assert 0.6 < (black > 0.1).mean() < 0.95


def test_ultrasound_is_exactly_zero_outside_its_field_of_view() -> None:
    drawn = images("us")
    corner = [label(image == 0, connectivity=1)[-1, 0] > 0 for image in drawn]
    assert 0.4 < np.mean(corner) < 1


def test_ct_shows_air_lung_soft_tissue_and_bone_where_they_belong() -> None:
    hounsfield = images("ct") * 3000 - 1024
    ranges = ((-1024, -950), (-880, -600), (-130, -70), (0, 90), (300, 1976))
    shares = [((hounsfield >= low) & (hounsfield <= high)).mean() for low, high in ranges]
    assert min(shares) > 0.01
    assert max(shares[1:]) == shares[3]


def test_areas_are_exactly_uniform_but_for_rounding() -> None:
    drawn = images("ct")
    assert (np.abs(np.diff(drawn, axis=1)) < 1e-6).mean() > 0.3


def test_an_item_that_asks_gets_its_image_and_ct_a_size_of_pixels() -> None:
    render = RenderDeadLeavesd("label", size=SIZE)
    drawn = render({"dead_leaves": 5, "modality": "ct"})
    assert torch.equal(drawn["label"], render_dead_leaves(5, "ct", SIZE))
    assert 0.5 <= drawn["spacing"] <= 0.95
    assert "spacing" not in render({"dead_leaves": 0, "modality": "xray"})


def test_an_item_without_seed_passes() -> None:
    item = {"label": torch.rand(1, 8, 8), "modality": "ct"}
    assert RenderDeadLeavesd("label")(item) == item


@pytest.mark.parametrize(("seed", "size"), [(-1, (64, 64)), (0, (64, 16))])
def test_a_negative_seed_or_too_small_an_image_is_refused(seed: int, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="seed and size must be at least 0 and 32 x 32"):
        render_dead_leaves(seed, "ct", size)


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="modality must be one of"):
        render_dead_leaves(0, "pet")


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (ellipse(50, 50, (30, 12), 0.4), np.pi * 30 * 12),
        (rectangle(50, 50, (30, 12), 0.4), 4 * 30 * 12),
        (blob(np.random.RandomState(0), 50, 50, 20, 0.0), np.pi * 400),
    ],
)
def test_a_shape_covers_its_area(shape: Shape, area: float) -> None:
    cover = cover_of((100, 100), shape)
    assert cover.sum() == pytest.approx(area, rel=0.02)
    assert {0.0, 1.0} <= set(np.unique(cover).tolist())


def test_a_strip_is_as_wide_as_it_is_told_wherever_it_bends() -> None:
    cover = cover_of((200, 200), strip(np.random.RandomState(3), 100, 100, 60, 5))
    along = np.linspace(-60, 60, 2001)
    random = np.random.RandomState(3)
    random.uniform(0, np.pi)
    bend, wave, phase = random.normal(0, 0.35), random.normal(0, 0.12), random.uniform(0, 2 * np.pi)
    turns = random.uniform(1, 3) * np.pi / 60
    slope = 2 * bend * along / 60 + wave * 60 * turns * np.cos(turns * along + phase)
    length = np.trapezoid(np.hypot(1, slope), along)
    assert cover.sum() == pytest.approx(10 * length, rel=0.1)


def test_the_leaf_on_top_hides_what_lies_below() -> None:
    canvas = Canvas((64, 64), 0.2)
    canvas.lay(rectangle(32, 32, (20, 20), 0), 0.8)
    canvas.lay(ellipse(32, 32, (10, 10), 0), 0.5)
    assert (canvas.image[32, 32], canvas.image[16, 16], canvas.image[0, 0]) == tuple(np.float32([0.5, 0.8, 0.2]))


def test_a_shape_beside_the_canvas_leaves_it_as_it_was() -> None:
    canvas = Canvas((32, 32), 0.2)
    canvas.lay(ellipse(-50, 10, (10, 10), 0), 1.0)
    canvas.add(ellipse(10, 90, (10, 10), 0), 1.0)
    assert np.unique(canvas.image).tolist() == [np.float32(0.2)]


def test_a_tree_is_thin_connected_and_begins_at_its_root() -> None:
    cover = draw_tree(np.random.RandomState(1), (160, 160), (10, 80), 0.0, 4)
    pieces, count = label(cover > 0, return_num=True, connectivity=2)
    assert count == 1
    assert pieces[10, 80] == 1
    assert 0.005 < (cover > 0.5).mean() < 0.2


def test_a_blur_has_the_deviation_it_is_told_and_keeps_uniform_areas() -> None:
    point = np.zeros((31, 31), dtype=np.float32)
    point[15, 15] = 1
    spread = blur(point, 1.3).sum(axis=0)
    assert np.sqrt((spread * (np.arange(31) - 15) ** 2).sum()) == pytest.approx(1.3, rel=1e-3)
    np.testing.assert_allclose(blur(np.full((9, 9), 0.3, dtype=np.float32), 0.7), 0.3, rtol=1e-6)


def test_fields_and_curves_are_smooth_at_their_scale() -> None:
    random = np.random.RandomState(2)
    field, curve = draw_field(random, (200, 180), 20), draw_curve(random, 200, 20)
    for values in (field, curve):
        assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=1e-5)
        assert np.abs(np.diff(values, axis=0)).max() < 0.5
