"""Claims about low-dose noise, most on a water cylinder of 20 cm and without read-out noise."""

from __future__ import annotations

import math
import time
from functools import cache

import pytest
import torch
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise import LAWS, add_low_dose_noise, check_hounsfield
from monai_gan_denoise.transforms.noise.projection import WATER, draw_low_dose_noise
from monai_gan_denoise.transforms.noise.tomography import GEOMETRIES, KERNELS, Scan, Tomograph

SIDE, SPACING = 256, 0.9  # 230 mm
PHOTONS = 1e6
DRAWS = 12

every_geometry = pytest.mark.parametrize("geometry", GEOMETRIES)


def distance(side: int = SIDE, spacing: float = SPACING) -> Tensor:
    axis = (torch.arange(side) - side // 2) * spacing
    return torch.hypot(axis, axis[:, None])


def water(side: int = SIDE, spacing: float = SPACING) -> Tensor:
    """A cylinder of water, 20 cm wide, in air."""
    return torch.where(distance(side, spacing) <= 100, 0.0, -1000.0)


CENTER = distance() < 25
EDGE = (distance() > 85) & (distance() < 97)


@cache
def noise_of(dose: float, geometry: str = "fan", kernel: str = "hann") -> Tensor:
    tomograph = Tomograph(Scan(SPACING, geometry, kernel), SIDE, SIDE)
    return draw_low_dose_noise(water(), dose, PHOTONS, 0.0, Generator().manual_seed(0), tomograph, DRAWS)


RINGS = 48  # frequencies from 0 up to the pixels' Nyquist frequency


def mean_of_rings(power: Tensor) -> Tensor:
    """Mean over rings of equal frequency."""
    axis = torch.fft.fftfreq(2 * RINGS, 1 / (2 * RINGS))
    ring = torch.hypot(axis, axis[:, None]).round().long()
    return torch.stack([power[ring == radius].mean() for radius in range(RINGS)])


def power_spectrum(noise: Tensor) -> Tensor:
    """Mean power at every ring, from the center of the cylinder."""
    start = SIDE // 2 - RINGS
    taper = torch.hann_window(2 * RINGS)
    region = noise[:, start:-start, start:-start] * taper * taper[:, None]
    return mean_of_rings(torch.fft.fft2(region).abs().square().mean(0))


@every_geometry
def test_deviation_at_the_center_follows_one_over_the_root_of_dose(geometry: str) -> None:
    full = noise_of(1.0, geometry)[:, CENTER].std()
    for dose in (0.5, 0.25, 0.1):
        assert (noise_of(dose, geometry)[:, CENTER].std() * math.sqrt(dose) / full).item() == pytest.approx(1, rel=0.05)


@every_geometry
def test_noise_is_larger_at_the_center_than_at_the_edge(geometry: str) -> None:
    noise = noise_of(0.25, geometry)
    assert noise[:, CENTER].std() > 1.2 * noise[:, EDGE].std()


@every_geometry
def test_water_is_unbiased_at_a_quarter_of_the_dose(geometry: str) -> None:
    noise = noise_of(0.25, geometry)
    for area in (CENTER, EDGE, distance() < 97):
        assert abs(noise[:, area].mean().item()) < 1  # HU


@every_geometry
def test_power_spectrum_vanishes_at_zero_and_peaks_at_mid_frequency(geometry: str) -> None:
    power = power_spectrum(noise_of(0.25, geometry))
    peak = int(power.argmax())
    assert 0.3 * RINGS < peak < 0.7 * RINGS
    assert power[0] < 0.1 * power[peak]  # not 0, as the region's cut blurs the spectrum by a ring
    assert power[-1] < 0.5 * power[peak]


@pytest.mark.parametrize("kernel", KERNELS)
def test_power_spectrum_is_frequency_times_the_squared_kernel(kernel: str) -> None:
    power = power_spectrum(noise_of(0.25, kernel=kernel))
    axis = torch.fft.fftfreq(2 * RINGS, SPACING)
    frequency = torch.hypot(axis, axis[:, None])
    theory = mean_of_rings(frequency * KERNELS[kernel](2 * 0.6 * frequency) ** 2)
    error = power / power.sum() - theory / theory.sum()
    assert error[:-2].abs().max() < 0.12 * (theory / theory.sum()).max()  # the last two see nothing above the pixels'


def test_smoother_kernels_have_less_noise_at_lower_frequencies() -> None:
    spectra = [power_spectrum(noise_of(0.25, kernel=kernel)) for kernel in KERNELS]
    means = [(power * torch.arange(RINGS)).sum() / power.sum() for power in spectra]
    totals = [noise_of(0.25, kernel=kernel)[:, CENTER].std() for kernel in KERNELS]
    assert means == sorted(means, reverse=True)
    assert totals == sorted(totals, reverse=True)


@every_geometry
def test_noise_at_the_center_has_the_level_that_theory_gives(geometry: str) -> None:
    scan = Scan(0.6, geometry, "ramp")
    noise = draw_low_dose_noise(
        water(360, 0.6), 0.25, PHOTONS, 0.0, Generator().manual_seed(0), Tomograph(scan, 360, 360), 4
    )
    counted = 0.25 * PHOTONS * math.exp(-200 * WATER)  # their logarithm has variance 1 / counted
    expected = math.pi / math.sqrt(12 * scan.views * counted) / scan.element * 1000 / WATER
    assert noise[:, distance(360, 0.6) < 12].std().item() == pytest.approx(expected, rel=0.03)


def test_read_out_noise_adds_its_variance(rng: Generator) -> None:
    counted = 400.0  # photons; the variance of their logarithm is 1 / counted + (std / counted)^2
    tomograph = Tomograph(Scan(2.0, views=200), 64, 64)
    air = torch.full((64, 64), -1000.0)
    quantum, both = (draw_low_dose_noise(air, 1.0, counted, std, rng, tomograph, 12).var() for std in (0.0, 20.0))
    assert (both / quantum).item() == pytest.approx(2, rel=0.05)


def test_clean_slice_stays_the_reference(rng: Generator) -> None:
    clean = water(96) + 50 * torch.randn(96, 96, generator=rng)
    before = clean.clone()
    noisy = add_low_dose_noise(clean, 0.25, PHOTONS, 3.0, Generator().manual_seed(1))
    noise = draw_low_dose_noise(clean, 0.25, PHOTONS, 3.0, Generator().manual_seed(1), Tomograph(Scan(), 96, 96))[0]
    assert torch.equal(clean, before)
    assert torch.equal(noisy, clean + noise)  # no detail of the slice passed through the projector


def test_padding_is_returned_as_it_was(rng: Generator) -> None:
    image = water(96, 2.2)
    image[distance(96, 2.2) > 105] = -2000
    noisy = add_low_dose_noise(image, 0.1, PHOTONS, 3.0, rng, Scan(2.2))
    assert torch.equal(noisy[image == -2000], image[image == -2000])
    assert (noisy[image > -2000] != image[image > -2000]).all()


def test_padding_attenuates_no_more_than_air() -> None:
    image = water(96, 2.2)
    padded = torch.where(distance(96, 2.2) > 105, -3024.0, image)
    noisy, other = (
        add_low_dose_noise(each, 0.1, PHOTONS, 3.0, Generator().manual_seed(1), Scan(2.2)) for each in (image, padded)
    )
    assert torch.equal(noisy[image == 0], other[image == 0])


@pytest.mark.parametrize("dose", [1.0, 0.001])
def test_metal_gives_finite_noise(dose: float, rng: Generator) -> None:
    image = water(96, 2.2)
    image[40:50, 30:60] = 30000
    assert torch.isfinite(add_low_dose_noise(image, dose, 1e5, 10.0, rng, Scan(2.2))).all()


def test_every_image_of_a_batch_has_its_dose(rng: Generator) -> None:
    images = water(64, 3.3).expand(3, 2, 64, 64)
    doses = torch.tensor([1.0, 0.1, 0.01]).reshape(3, 1, 1, 1)
    noise = add_low_dose_noise(images, doses, PHOTONS, 0.0, rng, Scan(3.3)) - images
    inside = distance(64, 3.3) < 60
    deviation = torch.stack([each[:, inside].std() for each in noise])
    assert (deviation * doses.flatten().sqrt() / deviation[0]).tolist() == pytest.approx([1, 1, 1], rel=0.1)


def test_the_law_takes_network_units() -> None:
    hounsfield = water(64, 3.3)
    noisy = add_low_dose_noise(hounsfield, 0.1, PHOTONS, 3.0, Generator().manual_seed(1), Scan(3.3, kernel="ramp"))
    law = LAWS["low-dose"](
        (hounsfield[None] + 1024) / 3000, 0.1, Generator().manual_seed(1), spacing=3.3, kernel="ramp"
    )
    assert torch.allclose(law[0] * 3000 - 1024, noisy, atol=0.05)


@pytest.mark.slow
@every_geometry
def test_a_slice_of_512_takes_less_than_two_seconds_on_two_cores(geometry: str, rng: Generator) -> None:
    image, scan = water(512, 0.7), Scan(0.7, geometry)
    threads, seconds = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        for _ in range(3):
            start = time.perf_counter()
            add_low_dose_noise(image, 0.25, PHOTONS, 3.0, rng, scan)
            seconds.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    assert min(seconds) < 2


@pytest.mark.parametrize("dose", [0.0, 1.1, -0.5, math.nan])
def test_a_dose_outside_its_range_is_refused(dose: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match=r"dose must be in \(0, 1\], got"):
        add_low_dose_noise(water(32), dose, PHOTONS, 3.0, rng)


@pytest.mark.parametrize("photons", [0.0, math.nan])
def test_no_photons_are_refused(photons: float, rng: Generator) -> None:
    with pytest.raises(ValueError, match="photons must be positive, got"):
        add_low_dose_noise(water(32), 0.5, photons, 3.0, rng)


def test_negative_read_out_noise_is_refused(rng: Generator) -> None:
    with pytest.raises(ValueError, match="electronic_std must be at least 0, got -3"):
        add_low_dose_noise(water(32), 0.5, PHOTONS, -3.0, rng)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, math.nan], "CT values must be finite HU, got NaN or infinity"),
        ([0.0, math.inf], "CT values must be finite HU"),
        ([-1000.0, 1e5], "CT values must be HU, from -1024 to 64511 but for padding, got -1000 to 100000"),
        ([-4500.0, -5000.0, 0.0], "CT values must be HU, from -1024 to 64511 but for padding, got -5000 to 0"),
        ([-1e6, 0.0], "CT values must be HU, .* got -1e[+]06 to 0"),
        ([0.0, 0.3, 1.0], "CT values must be HU, air near -1000, got all from 0 to 1"),
    ],
)
def test_values_that_cannot_be_hounsfield_are_refused(values: list[float], message: str, rng: Generator) -> None:
    image = torch.tensor(values).repeat(32, 8)
    with pytest.raises(ValueError, match=message):
        check_hounsfield(image)
    with pytest.raises(ValueError, match=message):
        add_low_dose_noise(image, 0.5, PHOTONS, 3.0, rng)


@pytest.mark.parametrize("values", [[0.0], [-3024.0, -1500.0, 3071.0], [-32768.0, 30000.0], [-1024.0, 0.5]])
def test_values_that_scanners_write_pass(values: list[float]) -> None:
    check_hounsfield(torch.tensor(values))
