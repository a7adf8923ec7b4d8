"""Windows whose joined results are those of the whole image."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.inferers import SlidingWindowInferer
from torch import Generator, Tensor, nn

from monai_gan_denoise import phantoms
from monai_gan_denoise.engines import SlicewiseInferer
from monai_gan_denoise.engines.tiles import predict_in_windows, windows
from monai_gan_denoise.networks import GanDenoiser, load_weights

TOLERANCE = 1e-4  # network units, in which an image's range is about 1


def small_denoiser(rng: Generator) -> GanDenoiser:
    """Two resolutions, random weights, a refinement that is not the identity and a level that counts; stride 4."""
    denoiser = GanDenoiser(features=(6, 8), blocks=1, refinement_features=6, refinement_blocks=1, level_features=(4, 4))
    for layer in (denoiser.refinement.head, denoiser.generator.level_front):
        nn.init.normal_(layer.weight, std=0.3, generator=rng)
    return denoiser.eval()


def in_windows(network: GanDenoiser, noisy: Tensor, largest: int) -> Tensor:
    with torch.no_grad():
        return predict_in_windows(network, noisy, largest, network.reach, network.stride)


SIZES = [1, 16, 63, 64, 65, 80, 81, 111, 112, 113, 500, 1023]


@pytest.mark.parametrize("size", SIZES)
def test_windows_start_on_the_stride_and_keep_every_pixel_once(size: int) -> None:
    found = windows(size, largest=64, reach=7, stride=16)
    assert all(each.seen.start % 16 == 0 for each in found)
    assert [pixel for each in found for pixel in range(size)[each.kept]] == list(range(size))
    assert [range(size)[each.seen][each.inner] for each in found] == [range(size)[each.kept] for each in found]


@pytest.mark.parametrize("size", SIZES)
def test_windows_are_no_larger_than_asked_and_keep_away_from_edges_that_are_not_the_images(size: int) -> None:
    for each in windows(size, largest=64, reach=7, stride=16):
        assert each.seen.stop - each.seen.start <= 64
        assert each.seen.start == each.kept.start == 0 or each.kept.start - each.seen.start >= 7
        assert each.seen.stop == each.kept.stop == size or each.seen.stop - each.kept.stop >= 7


def test_windows_are_of_about_one_size() -> None:
    sizes = {each.seen.stop - each.seen.start for each in windows(5000, largest=2048, reach=269, stride=16)}
    assert sizes == {2032, 2024}


def test_a_window_smaller_than_what_the_network_sees_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"window must be at least 108 pixels .* 50 pixels far, got 107\."):
        in_windows(small_denoiser(rng), torch.rand((1, 1, 140, 30), generator=rng), 107)


@pytest.mark.parametrize("size", [(200, 130), (131, 197), (150, 17), (16, 149), (64, 64)])
def test_windows_give_what_the_whole_image_gives(size: tuple[int, int], rng: Generator) -> None:
    network = small_denoiser(rng)
    noisy = torch.rand((2, 1, *size), generator=rng)
    with torch.no_grad():
        whole = network(noisy)
    assert (whole - noisy).abs().max() > 0.01
    torch.testing.assert_close(in_windows(network, noisy, 112), whole, atol=1e-6, rtol=1e-5)


def test_a_window_off_the_stride_or_too_close_to_an_edge_would_show(rng: Generator) -> None:
    network = small_denoiser(rng)
    noisy = torch.rand((1, 1, 16, 200), generator=rng)
    with torch.no_grad():
        whole = network(noisy)
        off = predict_in_windows(network, noisy, 111, network.reach, 1)
        near = predict_in_windows(network, noisy, 111, 8, network.stride)
        blended = SlidingWindowInferer((16, 112), overlap=0.5, mode="gaussian")(noisy, network)
    for other in (off, near, blended):
        assert (other - whole).abs().max() > TOLERANCE


class Largest(nn.Module):
    """A denoiser that remembers how many pixels it saw at once."""

    def __init__(self, network: GanDenoiser) -> None:
        super().__init__()
        self.network, self.reach, self.stride = network, network.reach, network.stride
        self.pixels: list[int] = []

    def forward(self, noisy: Tensor) -> Tensor:
        self.pixels.append(noisy.numel())
        return self.network(noisy)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("size", "window"), [((230, 150), 140), ((60, 70), 140), ((140, 130), 112)])
def test_the_network_never_sees_more_pixels_than_a_window(size: tuple[int, int], window: int, rng: Generator) -> None:
    network = Largest(small_denoiser(rng))
    volume = torch.rand((1, 1, *size, 5), generator=rng)
    with torch.inference_mode():
        found = SlicewiseInferer(4, progress=False, window=window)(volume, network)
        whole = SlicewiseInferer(1, progress=False)(volume, network.network)
    assert max(network.pixels) <= window**2
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=1e-5)


def test_a_network_that_does_not_say_how_far_it_sees_sees_slices_whole(rng: Generator) -> None:
    image = torch.rand((1, 1, 40, 300), generator=rng)
    seen: list[tuple[int, ...]] = []

    def network(noisy: Tensor) -> Tensor:
        seen.append(tuple(noisy.shape))
        return 2 * noisy

    assert torch.equal(SlicewiseInferer(1, window=64)(image, network), 2 * image)
    assert seen == [(1, 1, 40, 300)]


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["model.pt", "model_fidelity.pt"])
def test_windows_of_the_shipped_weights_give_what_the_whole_image_gives(
    weights: str, bundle_root: Path, rng: Generator
) -> None:
    network = load_weights(GanDenoiser(), bundle_root / "models" / weights)
    clean = torch.as_tensor(phantoms.chest_radiograph(1100), dtype=torch.float32)[None, None, :, :901]
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=rng)
    with torch.no_grad():
        whole = network(noisy)
    difference = (in_windows(network, noisy, 640) - whole).abs().max()
    assert difference < TOLERANCE * (clean.max() - clean.min())
