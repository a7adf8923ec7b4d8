"""Claims about the estimator of the noise level."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from torch import Generator, Tensor

from monai_gan_denoise.networks import NoiseLevelEstimator

SMALL = {"features": (4, 6, 8)}


def image(spatial_dims: int, rng: Generator, side: int = 32) -> Tensor:
    return torch.rand((2, 1, *(side, 24, 24)[:spatial_dims]), generator=rng)


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("factor", [0.1, 3.0, 50.0])
def test_level_grows_with_the_image_and_never_turns_negative(spatial_dims: int, factor: float, rng: Generator) -> None:
    estimator = NoiseLevelEstimator(spatial_dims, **SMALL)
    torch.nn.init.normal_(estimator.head.weight, std=100, generator=rng)  # so that the root's floor is far below
    noisy = image(spatial_dims, rng)
    with torch.no_grad():
        level = estimator(noisy)
        torch.testing.assert_close(estimator(factor * noisy), factor * level, rtol=1e-3, atol=1e-5)
        assert estimator(-noisy).min() >= 0
    assert level.min() >= 0
    assert level.max() > 1e-3


def test_level_of_nothing_is_next_to_nothing() -> None:
    with torch.no_grad():
        assert NoiseLevelEstimator()(torch.zeros(1, 1, 32, 32)).max() <= 1e-6


def test_map_is_the_root_of_twice_averaged_variances_interpolated_between_cells(rng: Generator) -> None:
    estimator = NoiseLevelEstimator(2, **SMALL)
    cells: list[Tensor] = []
    estimator.head.register_forward_hook(lambda _module, _inputs, output: cells.append(output))
    with torch.no_grad():
        level = estimator(torch.rand((1, 1, 64, 96), generator=rng))[0, 0].numpy()
    variance = cells[0][0, 0].double().numpy() ** 2
    ones = np.ones_like(variance)
    for _ in range(2):  # means over those of 3 x 3 cells that there are
        variance = uniform_filter(variance, 3, mode="constant") / uniform_filter(ones, 3, mode="constant")
    deviation = np.sqrt(variance)
    rows, columns = ((np.arange(count * 8) + 0.5) / 8 - 0.5 for count in deviation.shape)
    across = np.stack([np.interp(columns, np.arange(deviation.shape[1]), row) for row in deviation])
    expected = np.stack([np.interp(rows, np.arange(deviation.shape[0]), column) for column in across.T], axis=1)
    np.testing.assert_allclose(level, expected, rtol=1e-4, atol=1e-6)


def test_neighboring_pixels_differ_by_no_more_than_an_eighth_of_their_cells(rng: Generator) -> None:
    with torch.no_grad():
        level = NoiseLevelEstimator(2, **SMALL)(torch.rand((1, 1, 64, 64), generator=rng))[0, 0]
    at_cells = torch.nn.functional.avg_pool2d(level[None], 2, 8, 0)[0]  # any pixels, one a cell
    for axis in (0, 1):
        step = level.diff(dim=axis).abs().max()
        assert 0 < step <= (level.max() - level.min()) / 8
        assert step <= at_cells.diff(dim=axis).abs().max()


@pytest.mark.parametrize(("features", "stride"), [((4,), 2), ((4, 4), 4), ((24, 32, 48), 8)])
def test_stride_is_the_side_of_a_cell(features: tuple[int, ...], stride: int, rng: Generator) -> None:
    estimator = NoiseLevelEstimator(2, features=features)
    assert estimator.stride == stride
    cells: list[Tensor] = []
    estimator.head.register_forward_hook(lambda _module, _inputs, output: cells.append(output))
    noisy = torch.rand((1, 1, 3 * stride, 5 * stride), generator=rng)
    assert estimator(noisy).shape == noisy.shape
    assert cells[0].shape == (1, 1, 3, 5)


@pytest.mark.parametrize(
    ("features", "blocks", "spatial_dims"), [((4,), 1, 2), ((4, 4), 2, 2), ((4, 4, 4), 2, 2), ((4, 4), 1, 3)]
)
def test_reach_is_how_far_a_pixel_of_the_map_sees(features: tuple[int, ...], blocks: int, spatial_dims: int) -> None:
    estimator = NoiseLevelEstimator(spatial_dims, features=features, blocks=blocks).double()
    for weight in estimator.parameters():  # positive, so that no ReLU is shut and nothing cancels
        torch.nn.init.constant_(weight, 1 / weight[0].numel())
        weight.requires_grad_(False)
    reach, stride = estimator.reach, estimator.stride
    first = (reach // stride + 2) * stride
    shape = (1, 1, 2 * first + stride, *(3 * stride,) * (spatial_dims - 1))
    noisy = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "float", lambda tensor: tensor)  # in which the farthest gradients would underflow
        rows_of_map = estimator(noisy).flatten(3).sum(-1)[0, 0]
    farthest = 0
    for pixel in range(first, first + stride):
        (gradient,) = torch.autograd.grad(rows_of_map[pixel], noisy, retain_graph=True)
        rows = gradient.flatten(3).abs().sum(-1)[0, 0].nonzero()[:, 0]
        farthest = max(farthest, pixel - int(rows.min()), int(rows.max()) - pixel)
    assert farthest == reach


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_torchscript_equals_eager(spatial_dims: int, rng: Generator) -> None:
    estimator = NoiseLevelEstimator(spatial_dims, **SMALL).eval()
    noisy = image(spatial_dims, rng)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(estimator)(noisy), estimator(noisy))


def test_every_weight_receives_a_finite_gradient_of_a_constant_image_too(rng: Generator) -> None:
    for noisy in (image(2, rng), torch.zeros(1, 1, 32, 32)):
        estimator = NoiseLevelEstimator(2, **SMALL)
        estimator(noisy).mean().backward()
        gradients = [weight.grad for weight in estimator.parameters()]
        assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)
        assert all(bool(gradient.any()) for gradient in gradients) is bool(noisy.any())
