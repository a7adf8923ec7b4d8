"""How much of the denoising is applied."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from torch import Generator

from monai_gan_denoise.transforms import ApplyStrengthd


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("size", [(1, 16, 18), (1, 16, 18, 3)])
def test_the_share_is_removed_and_the_rest_is_kept(strength: float, size: tuple[int, ...], rng: Generator) -> None:
    image, pred = torch.rand(size, generator=rng), torch.rand(size, generator=rng)
    items = ApplyStrengthd(strength)({"image": image.clone(), "pred": pred.clone()})
    torch.testing.assert_close(items["pred"], torch.lerp(image, pred, strength))
    torch.testing.assert_close(items["removed"], strength * (image - pred))


def test_no_third_copy_of_a_volume_is_made(rng: Generator) -> None:
    image, pred = torch.rand(1, 16, 18, 3, generator=rng), torch.rand(1, 16, 18, 3, generator=rng)
    items = ApplyStrengthd(0.5)({"image": image, "pred": pred})
    assert items["removed"] is image
    assert items["pred"] is pred
    assert items.keys() == {"pred", "removed"}


def test_at_strength_0_nothing_at_all_is_removed(rng: Generator) -> None:
    image = 1e6 * torch.rand(1, 16, 16, generator=rng)
    items = ApplyStrengthd(0)({"image": image.clone(), "pred": torch.zeros(1, 16, 16)})
    assert not items["removed"].any()
    assert torch.equal(items["pred"], image)


def test_where_the_network_changed_nothing_nothing_is_removed(rng: Generator) -> None:
    image = torch.rand(1, 16, 16, generator=rng)
    assert not ApplyStrengthd(0.7)({"image": image, "pred": image.clone()})["removed"].any()


def test_what_is_removed_carries_what_the_writer_needs() -> None:
    image = MetaTensor(torch.ones(1, 16, 16), meta={"files": ["a.png"]})
    items = ApplyStrengthd()({"image": image, "pred": image * 0.5, "outputs": ["out/a.png"], "modality": "us"})
    assert items["removed"].meta["files"] == ["a.png"]
    assert items["removed"].meta["outputs"] == ["out/a.png"]
    assert items["removed"].meta["modality"] == "us"


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_that_is_no_share_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match=rf"strength must be in \[0, 1\], got {strength}"):
        ApplyStrengthd(strength)
