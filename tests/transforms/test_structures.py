"""Claims about the faint structures that training inserts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.measure import label, regionprops

from monai_gan_denoise.transforms import RandDiscsd


def inserted(background: float = 0.5, seed: int = 0, **settings: object) -> torch.Tensor:
    """What one call adds to a flat patch."""
    transform = RandDiscsd("label", **{"prob": 1.0, "count": 1, **settings})  # type: ignore[arg-type]
    transform.set_random_state(seed)
    flat = torch.full((1, 64, 64), background)
    return transform({"label": flat})["label"] - flat


def test_a_disc_has_the_drawn_diameter_and_contrast() -> None:
    measured = []
    for seed in range(40):
        added = inserted(seed=seed, diameter=(10.0, 10.0), contrast=(0.1, 0.1), elongation=1.0)[0].abs().numpy()
        (region,) = regionprops(label(added > 0.05))
        rows, columns = region.bbox[0] > 0 and region.bbox[2] < 64, region.bbox[1] > 0 and region.bbox[3] < 64
        if rows and columns:  # whole within the patch
            measured.append(region.equivalent_diameter_area)
            assert added.max() == pytest.approx(0.1, rel=1e-4)
    assert len(measured) > 10
    assert np.mean(measured) == pytest.approx(10, abs=0.3)


def test_discs_are_brighter_and_darker_equally_often() -> None:
    signs = [np.sign(float(inserted(seed=seed).sum())) for seed in range(200)]
    assert abs(np.mean(signs)) < 0.2  # three deviations of a fair coin


def test_nothing_darker_than_zero_is_made() -> None:
    for seed in range(20):
        assert inserted(background=0.0, seed=seed, contrast=(0.2, 0.3)).min() >= 0


def test_what_is_negative_already_is_not_raised() -> None:
    transform = RandDiscsd("label", prob=1.0, contrast=(0.3, 0.3))
    transform.set_random_state(1)
    patch = torch.full((1, 64, 64), -0.2)
    assert transform({"label": patch})["label"].min() == pytest.approx(-0.2)


def test_a_measured_pair_stays_as_it_is() -> None:
    pair = {"label": torch.full((1, 64, 64), 0.4), "image": torch.full((1, 64, 64), 0.6)}
    result = RandDiscsd("label", prob=1.0)(pair)
    assert torch.equal(result["label"], pair["label"])
    assert torch.equal(result["image"], pair["image"])


def test_the_given_patch_is_not_changed_and_a_seed_repeats() -> None:
    assert torch.equal(inserted(seed=5), inserted(seed=5))
    assert not torch.equal(inserted(seed=5), inserted(seed=6))


def test_the_share_of_patches_is_kept() -> None:
    changed = 0
    transform = RandDiscsd("label", prob=0.3)
    transform.set_random_state(3)
    for _ in range(400):
        changed += bool((transform({"label": torch.full((1, 32, 32), 0.5)})["label"] != 0.5).any())
    assert 80 <= changed <= 150  # a disc at the rim may leave nothing inside


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"diameter": (5.0, 2.0)}, "diameter must be two positive numbers"),
        ({"contrast": (0.0, 0.1)}, "contrast must be two positive numbers"),
        ({"count": 0}, "count and elongation must be at least 1"),
    ],
)
def test_ranges_without_meaning_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RandDiscsd("label", **settings)  # type: ignore[arg-type]
