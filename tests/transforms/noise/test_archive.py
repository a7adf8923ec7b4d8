"""Claims about what archives do to images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import add_jpeg_artifacts, quantize


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_quantization_keeps_its_number_of_gray_values_from_black_to_white(bits: int, rng: Generator) -> None:
    image = torch.rand((1, 1, 400, 400), generator=rng)
    values = np.unique(quantize(image, bits, rng))
    np.testing.assert_allclose(values, np.linspace(0, 1, 2**bits), atol=1e-6)


@pytest.mark.parametrize("bits", [3, 6])
def test_quantization_error_has_a_twelfth_of_the_squared_step(bits: int, rng: Generator) -> None:
    image = torch.rand((1, 1, 400, 400), generator=rng, dtype=torch.float64)
    error = quantize(image, bits, rng) - image
    step = 1 / (2**bits - 1)
    assert error.abs().max() <= step / 2 + 1e-12
    assert error.square().mean().item() == pytest.approx(step**2 / 12, rel=0.02)


def test_quantization_continues_its_steps_outside_the_range(rng: Generator) -> None:
    outside = torch.tensor([[-0.4, 1.4, 2.0]])
    torch.testing.assert_close(quantize(outside, 2, rng), torch.tensor([[-1 / 3, 4 / 3, 2.0]]))


def test_quantization_takes_bits_of_each_image(rng: Generator) -> None:
    image = torch.rand((2, 1, 64, 64), generator=rng)
    quantized = quantize(image, torch.tensor([1.0, 3.0]).view(2, 1, 1, 1), rng)
    assert [len(torch.unique(plane)) for plane in quantized] == [2, 8]


@pytest.mark.parametrize("bits", [0, 17])
def test_bits_out_of_range_are_refused(bits: int, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"bits must be from 1 to 16, got {bits}"):
        quantize(phantom, bits, rng)


def test_jpeg_is_worse_at_lower_quality(phantom: Tensor, rng: Generator) -> None:
    ratios = [
        peak_signal_noise_ratio(phantom.numpy(), add_jpeg_artifacts(phantom, quality, rng).numpy(), data_range=1)
        for quality in (5, 20, 50, 80, 95)
    ]
    assert ratios == sorted(ratios)
    assert ratios[0] < 30 < 40 < ratios[-1]


def test_jpeg_stores_eight_bits(phantom: Tensor, rng: Generator) -> None:
    values = 255 * add_jpeg_artifacts(phantom, 50, rng).double()
    torch.testing.assert_close(values, values.round(), atol=1e-4, rtol=0)
    assert (values.min(), values.max()) >= (0, 0)
    assert values.max() <= 255 + 1e-4


@pytest.mark.parametrize("gray", [0, 51, 255])
def test_jpeg_keeps_a_flat_image(gray: int, rng: Generator) -> None:
    image = torch.full((1, 1, 32, 32), gray / 255)
    torch.testing.assert_close(add_jpeg_artifacts(image, 90, rng), image, atol=1e-6, rtol=0)


def test_jpeg_breaks_the_image_at_its_blocks(rng: Generator) -> None:
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 96), indexing="ij")
    jumps = add_jpeg_artifacts((rows * columns)[None, None], 5, rng).diff(dim=-1).abs().mean((0, 1, 2))
    at_blocks = torch.arange(1, 96) % 8 == 0
    assert jumps[at_blocks].mean() > 3 * jumps[~at_blocks].mean()


def test_jpeg_gives_back_what_lies_outside_its_range(phantom: Tensor, rng: Generator) -> None:
    image = phantom.clone()
    image[..., :32, :] = 1.7
    image[..., 64:, :] = -0.3
    stored = add_jpeg_artifacts(image, 90, rng)
    torch.testing.assert_close(stored[..., :24, :], image[..., :24, :], atol=1e-6, rtol=0)
    torch.testing.assert_close(stored[..., 72:, :], image[..., 72:, :], atol=1e-6, rtol=0)


def test_jpeg_takes_the_quality_of_each_image(phantom: Tensor, rng: Generator) -> None:
    images = phantom.repeat(2, 1, 1, 1)
    stored = add_jpeg_artifacts(images, torch.tensor([10.0, 95.0]).view(2, 1, 1, 1), rng)
    for image, quality in zip(stored, (10, 95), strict=True):
        assert torch.equal(image[None], add_jpeg_artifacts(phantom, quality, rng))


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_out_of_range_is_refused(quality: int, phantom: Tensor, rng: Generator) -> None:
    with pytest.raises(ValueError, match=f"quality must be from 1 to 100, got {quality}"):
        add_jpeg_artifacts(phantom, quality, rng)
