"""Claims about what a law of noise is, beside its equation."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import LAWS, Law

every_law = pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))


@every_law
def test_a_law_is_found_by_its_name_and_has_examples_within_its_bounds(law: Law) -> None:
    assert LAWS[law.name] is law
    assert all(law.bounds[0] <= level <= law.bounds[1] for level in law.examples)
    assert set(law.modalities) <= {"ct", "mr", "xr", "us", "oct"}


@every_law
@pytest.mark.parametrize("shape", [(1, 64, 48), (1, 64, 48, 3)], ids=["image", "volume"])
def test_images_and_volumes_keep_shape_dtype_and_input(law: Law, shape: tuple[int, ...], rng: Generator) -> None:
    image = torch.rand(shape, generator=rng)
    before = image.clone()
    noisy = law(image, law.examples[1], rng)
    assert (noisy.shape, noisy.dtype) == (image.shape, torch.float32)
    assert torch.equal(image, before)
    assert not torch.equal(noisy, image)


@every_law
def test_one_seed_gives_the_same_bits(law: Law, rng: Generator) -> None:
    image = torch.rand((1, 64, 48), generator=rng)
    first, again, other = (law(image, law.examples[1], Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert law.name in DETERMINISTIC or not torch.equal(first, other)


DETERMINISTIC = {"gibbs", "quantization", "jpeg"}  # laws that draw nothing


@every_law
def test_the_global_seed_plays_no_part(law: Law, rng: Generator) -> None:
    state = torch.get_rng_state()
    law(torch.rand((1, 64, 48), generator=rng), law.examples[1], rng)
    assert torch.equal(torch.get_rng_state(), state)


@every_law
def test_each_image_of_a_batch_may_have_its_own_level(law: Law, rng: Generator) -> None:
    images = torch.rand((1, 1, 64, 64), generator=rng).repeat(2, 1, 1, 1)
    weak, _, strong = law.examples
    noisy = law.draw(images, torch.tensor([weak, strong]).view(2, 1, 1, 1), rng, **law.parameters)
    error = (noisy - images).square().mean((1, 2, 3))
    assert error[1] > 1.4 * error[0] > 0


@every_law
def test_a_level_of_zero_returns_the_input(law: Law, rng: Generator) -> None:
    if law.bounds[0] == 0:
        image = torch.rand((1, 64, 48), generator=rng)
        assert torch.equal(law(image, 0.0, rng), image)


@every_law
def test_a_level_out_of_bounds_is_refused(law: Law, rng: Generator) -> None:
    for level in (law.bounds[0] - 0.001, law.bounds[1] + 0.001):
        with pytest.raises(ValueError, match=f"level must be from .* to .* for {law.name}, got"):
            law(torch.zeros(1, 16, 16), level, rng)


def test_an_unknown_parameter_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="parameters of poisson must be among full_counts, got 'photons'"):
        LAWS["poisson"](torch.zeros(1, 16, 16), 0.5, rng, photons=3)


@pytest.mark.parametrize("image", [torch.zeros(16, 16), torch.zeros(1, 1, 16, 16, 2)])
def test_another_shape_is_refused(image: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"image must be \(C, H, W\) or \(C, H, W, D\), got shape"):
        LAWS["gaussian"](image, 0.1, rng)
