"""Claims about the denoiser that generator and refinement form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator as Source
from torch import Tensor

from monai_gan_denoise.networks import (
    DnCNN,
    GanDenoiser,
    Generator,
    NoiseLevelEstimator,
    NoRefinement,
    PlainGenerator,
    PlainRefinement,
    Refinement,
    TwoStageDenoiser,
)

Small = Callable[..., GanDenoiser]


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("factor", [0.01, 0.5, 40.0])
def test_convolutions_are_scale_equivariant(
    spatial_dims: int, factor: float, small_denoiser: Small, rng: Source
) -> None:
    denoiser = small_denoiser(spatial_dims)
    denoiser.means = None  # which know the scale of the noise that is weak
    noisy = torch.rand((1, 1, *(20,) * spatial_dims), generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(denoiser(factor * noisy) / factor, denoiser(noisy), atol=2e-4, rtol=0)
        assert (denoiser(noisy) - noisy).abs().max() > 0.01


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_no_parameter_is_an_additive_constant(spatial_dims: int) -> None:
    denoiser = GanDenoiser(spatial_dims)
    assert not [name for name, _ in denoiser.named_parameters() if "bias" in name]
    assert not list(denoiser.buffers())
    shape = (1, 1, *(16,) * spatial_dims)
    with torch.no_grad():
        assert torch.equal(denoiser(torch.zeros(shape)), torch.zeros(shape))


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (23, 40), (24, 25), (33, 16), (97, 64)])
def test_padding_of_any_size_is_a_reflection_cut_off_again(size: tuple[int, int], rng: Source) -> None:
    denoiser = GanDenoiser().eval()
    torch.nn.init.normal_(denoiser.refinement.head.weight, std=0.3, generator=rng)
    noisy = torch.rand((1, 1, *size), generator=rng)
    before = denoiser.stride // 2
    height, width = (-(-(side + before + 1) // denoiser.stride) * denoiser.stride for side in size)
    rows = mirrored(size[0], before, height)
    columns = mirrored(size[1], before, width)
    with torch.no_grad():
        padded = denoiser.stages(noisy[:, :, rows][:, :, :, columns])[0]
        expected = padded[:, :, before : before + size[0], before : before + size[1]]
        torch.testing.assert_close(denoiser(noisy), expected)


def mirrored(size: int, before: int, total: int) -> list[int]:
    """Indices of a signal that is reflected at both ends, the end sample not repeated."""
    period = 2 * (size - 1)
    return [min(index % period, period - index % period) for index in range(-before, total - before)]


@pytest.mark.parametrize("size", [(16, 17, 19), (25, 16, 18)])
def test_odd_volumes_keep_their_shape_and_their_far_corner(
    size: tuple[int, int, int], small_denoiser: Small, rng: Source
) -> None:
    denoiser = small_denoiser(3)
    noisy = torch.rand((1, 1, *size), generator=rng)
    brighter = noisy.clone()
    brighter[..., -1, -1, -1] += 1
    with torch.no_grad():
        change = (denoiser(brighter) - denoiser(noisy)).abs()
    assert change.shape == noisy.shape
    assert change[..., -1, -1, -1] > 0.01
    assert change.flatten().argmax() >= change.numel() - size[2] - 1


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_windows_on_the_stride_agree_with_the_whole_beyond_the_receptive_field(
    spatial_dims: int, small_denoiser: Small, rng: Source
) -> None:
    # Convolutions reach: at 1/4, 2 blocks' worth of 3x3 (2 * 4); at 1/2, down, up and refinement (6 * 2); strided
    # kernels and their transposes, at most their own stride (4 + 2 + 2). Those of the level before them: at 1/2 and
    # at 1/4, two of 3x3 (2 * 2 + 2 * 4); two means over neighboring cells (2 * 4), interpolation and cell (4 + 4).
    reach = 28 + 28
    denoiser = small_denoiser(spatial_dims)
    side, start, stop = (192, 32, 156) if spatial_dims == 2 else (128, 4, 124)
    noisy = torch.rand((1, 1, side, *(32,) * (spatial_dims - 1)), generator=rng)

    def interior(first: int) -> Tensor:
        window = denoiser(noisy[:, :, first:stop])
        return window[:, :, start + reach - first : stop - reach - first]

    with torch.no_grad():
        whole = denoiser(noisy)[:, :, start + reach : stop - reach]
        torch.testing.assert_close(interior(start), whole, atol=1e-6, rtol=1e-5)
        assert (interior(start + 1) - whole).abs().max() > 1e-3


def test_defaults_join_estimator_generator_refinement_and_means(rng: Source) -> None:
    denoiser = GanDenoiser().eval()
    torch.nn.init.normal_(denoiser.refinement.head.weight, std=0.3, generator=rng)
    noisy = torch.rand((2, 1, 32, 48), generator=rng)
    with torch.no_grad():
        refined, coarse, level = denoiser.stages(noisy)
        assert torch.equal(level, denoiser.estimator(noisy))
        expected_coarse, features = denoiser.generator(noisy, level)
        assert torch.equal(coarse, expected_coarse)
        corrected = denoiser.refinement(noisy, coarse, level, features)
        assert torch.equal(refined, denoiser.means(noisy, corrected, level))


def test_in_training_the_refined_image_has_its_own_means(small_denoiser: Small, rng: Source) -> None:
    denoiser = small_denoiser(2)
    noisy = 1e-3 * torch.rand((1, 1, 16, 16), generator=rng)  # so weak that a trained image would get all of its means
    with torch.no_grad():
        level = denoiser.estimator(noisy)
        coarse, features = denoiser.generator(noisy, level)
        corrected = denoiser.refinement(noisy, coarse, level, features)
        assert not torch.allclose(denoiser.stages(noisy)[0], corrected, rtol=0.01)
        assert torch.equal(denoiser.train().stages(noisy)[0], corrected)


def test_each_image_of_a_batch_is_denoised_by_itself(small_denoiser: Small, rng: Source) -> None:
    denoiser = small_denoiser(2)
    noisy = torch.rand((3, 1, 21, 26), generator=rng)
    with torch.no_grad():
        alone = torch.cat([denoiser(image[None]) for image in noisy])
        torch.testing.assert_close(denoiser(noisy), alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [0, 3])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_torchscript_equals_eager_at_sizes_it_never_saw(
    spatial_dims: int, kernel_size: int, small_denoiser: Small, rng: Source
) -> None:
    denoiser = small_denoiser(spatial_dims, kernel_size)
    scripted = torch.jit.script(denoiser)
    for size in [(16, 16, 16), (17, 22, 19)]:
        noisy = torch.rand((1, 1, *size[:spatial_dims]), generator=rng)
        with torch.no_grad():
            torch.testing.assert_close(scripted(noisy), denoiser(noisy), atol=1e-6, rtol=1e-5)


def positive(denoiser: TwoStageDenoiser) -> TwoStageDenoiser:
    """Make every weight positive, so that what reaches a pixel changes it: no ReLU is shut and nothing cancels."""
    for module in denoiser.modules():
        for parameter in module.parameters(recurse=False):
            torch.nn.init.uniform_(parameter, 0.5, 1.0)
            if parameter.dim() > 1:
                with torch.no_grad():
                    parameter /= parameter[0].numel()
    return denoiser.requires_grad_(False).eval()


NETWORKS = {
    "shipped": GanDenoiser,
    "kernels": lambda: GanDenoiser(features=(4, 4), refinement_features=4, refinement_blocks=1, kernel_size=13),
    "3d": lambda: GanDenoiser(3, features=(4, 4), blocks=1, refinement_features=4, refinement_blocks=1),
    "one level": lambda: GanDenoiser(features=(4,), blocks=3, refinement_features=4, refinement_blocks=1),
    "three levels": lambda: GanDenoiser(features=(4, 4, 4), blocks=2, refinement_features=4, refinement_blocks=2),
    "single": lambda: TwoStageDenoiser(
        Generator(features=(4, 4), blocks=1, extra_blocks=3),
        NoRefinement(),
        estimator=NoiseLevelEstimator(features=(4, 4)),
    ),
    "plain": lambda: TwoStageDenoiser(PlainGenerator(features=(4, 4, 4, 4)), PlainRefinement(features=4)),
    "dncnn": lambda: TwoStageDenoiser(DnCNN(features=4, layers=7), NoRefinement()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_reach_is_how_far_a_denoised_pixel_depends_on_the_image(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "detach", lambda tensor: tensor)  # what no gradient passes is depended on all the same
    monkeypatch.setattr(Tensor, "float", lambda tensor: tensor)  # in which the farthest gradients would underflow
    denoiser = positive(NETWORKS[name]()).double()
    if isinstance(denoiser.refinement, Refinement):
        denoiser.refinement.bound = 1e6  # at which it does not saturate
    dims = 3 if name == "3d" else 2
    reach, stride = denoiser.reach, denoiser.stride
    first = (reach // stride + 2) * stride - stride // 2  # of a cell of the coarsest grid; see forward
    noisy = torch.rand((1, 1, 2 * first + stride, *(16,) * (dims - 1)), dtype=torch.float64, requires_grad=True)
    rows_of_result = denoiser(noisy).flatten(3).sum(-1)[0, 0]
    farthest = 0
    for pixel in range(first, first + stride):
        (gradient,) = torch.autograd.grad(rows_of_result[pixel], noisy, retain_graph=True)
        rows = gradient.flatten(3).abs().sum(-1)[0, 0].nonzero()[:, 0]
        farthest = max(farthest, pixel - int(rows.min()), int(rows.max()) - pixel)
    # MONAI's UNet samples the image at every other pixel instead of gathering it in cells, and so sees less far. The
    # pixels that see farthest by the convolutions are not those that do by the cells of the means, and those that do by
    # the cells of the noise level are not at the end of a cell of the generator.
    slack = stride if name == "plain" else stride // 2 if denoiser.means is not None else 0
    if isinstance(denoiser.estimator, NoiseLevelEstimator):
        slack += denoiser.estimator.stride // 2 - 1
    assert farthest <= reach <= farthest + slack
