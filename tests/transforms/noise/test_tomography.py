"""Claims about the projector: lines through known shapes, and back."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from skimage.transform import radon
from torch import Generator, Tensor

from monai_gan_denoise.transforms.noise.tomography import GEOMETRIES, KERNELS, Scan, Tomograph

SIDE = 256
MIDDLE, RADIUS = (30.0, -20.0), 40.0  # mm, of a disc off the center: (column, row)

every_geometry = pytest.mark.parametrize("geometry", GEOMETRIES)


def disc(spacing: float, oversampling: int = 8) -> Tensor:
    """The disc, each pixel the mean over its area."""
    fine = ((torch.arange(SIDE * oversampling) + 0.5) / oversampling - 0.5 - SIDE // 2) * spacing
    inside = (fine - MIDDLE[0]) ** 2 + (fine[:, None] - MIDDLE[1]) ** 2 <= RADIUS**2
    return inside.float().reshape(SIDE, oversampling, SIDE, oversampling).mean((1, 3))


@every_geometry
def test_lines_through_a_disc_are_its_chords(geometry: str) -> None:
    scan = Scan(spacing=0.7, geometry=geometry, element=0.6, views=360)
    projections = Tomograph(scan, SIDE, SIDE).project(disc(0.7))
    element = torch.arange(projections.shape[1]) - projections.shape[1] // 2
    view = torch.arange(360)[:, None]
    if geometry == "parallel":
        angle, position = view * math.pi / 360, element * 0.6
    else:
        angle, position = view * 2 * math.pi / 360 + element * 0.6 / 595, 595 * torch.sin(element * 0.6 / 595)
    distance = (position - MIDDLE[0] * torch.cos(angle) - MIDDLE[1] * torch.sin(angle)).abs()
    chords = 2 * (RADIUS**2 - distance**2).clamp(min=0).sqrt()
    error = (projections - chords).abs()
    assert error[distance < RADIUS - 2].max() < 0.01 * 2 * RADIUS
    assert error[distance > RADIUS + 2].max() < 0.01 * 2 * RADIUS


def test_parallel_projections_are_those_of_scikit_image() -> None:
    blurred = torch.nn.functional.avg_pool2d(disc(1.0)[None], 9, 1, 4)[0]
    image = blurred[:, : SIDE - 1]  # odd, and not square
    ours = Tomograph(Scan(spacing=1.0, geometry="parallel", element=1.0, views=8), SIDE, SIDE - 1).project(image)
    square = np.pad(image.numpy(), ((0, 0), (1, 0)))  # on the left, which keeps its center
    theirs = radon(square, theta=-np.arange(8) * 180 / 8, circle=True).T  # turns the other way, as rows point down
    center = ours.shape[1] // 2
    ours = ours[:, center - SIDE // 2 : center + SIDE // 2]
    assert np.abs(ours.numpy() - theirs).max() < 0.002 * theirs.max()


@every_geometry
def test_a_projected_disc_is_reconstructed(geometry: str) -> None:
    scan = Scan(spacing=0.7, geometry=geometry, kernel="ramp", views=720)
    tomograph = Tomograph(scan, SIDE, SIDE)
    image = disc(0.7)
    error = tomograph.reconstruct(tomograph.project(image)) - image
    axis = (torch.arange(SIDE) - SIDE // 2) * 0.7
    distance = torch.hypot(axis - MIDDLE[0], axis[:, None] - MIDDLE[1])
    for area in (distance < RADIUS - 3, (distance > RADIUS + 3) & (distance < 60)):
        assert abs(float(error[area].mean())) < 0.0005  # half a HU in water
        assert float(error[area].std()) < 0.005


@every_geometry
def test_white_noise_has_its_closed_form_variance_behind_the_ramp(geometry: str, rng: Generator) -> None:
    scan = Scan(spacing=0.6, geometry=geometry, kernel="ramp", element=0.6, views=300)
    tomograph = Tomograph(scan, 64, 64)
    shape = tomograph.project(torch.zeros(64, 64)).shape
    noise = torch.stack([tomograph.reconstruct(torch.randn(shape, generator=rng)) for _ in range(20)])
    # The integral of the squared ramp up to the Nyquist frequency, 1 / (12 element^3), a view: Kak & Slaney, 5.2.
    assert noise.var().item() == pytest.approx(math.pi**2 / (12 * 300 * 0.6**2), rel=0.03)


def test_kernels_are_listed_from_sharp_to_smooth() -> None:
    share = np.linspace(0, 1, 100)
    noise = [((share * window(share)) ** 2).sum() for window in KERNELS.values()]
    assert noise == sorted(noise, reverse=True)
    assert all(window(np.zeros(1)) == 1 for window in KERNELS.values())


def test_the_same_bits_come_on_one_thread_and_on_two(rng: Generator) -> None:
    tomograph = Tomograph(Scan(views=90), 64, 48)
    noise = torch.randn(tomograph.project(torch.zeros(64, 48)).shape, generator=rng)
    first = tomograph.reconstruct(noise)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(tomograph.reconstruct(noise), first)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("geometry", "cone", "geometry must be one of parallel, fan, got 'cone'"),
        ("kernel", "sharp", "kernel must be one of ramp, .*, got 'sharp'"),
        ("spacing", 0.0, "spacing must be positive, got 0"),
        ("spacing", math.nan, "spacing must be positive, got nan"),
        ("views", -1, "views must be positive, got -1"),
        ("element", math.inf, "element must be positive, got inf"),
        ("source", -5.0, "source must be positive, got -5"),
    ],
)
def test_a_scan_that_cannot_be_is_refused(parameter: str, value: float | str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scan(**{parameter: value})


def test_a_slice_wider_than_the_source_s_circle_is_refused() -> None:
    with pytest.raises(ValueError, match=r"spacing must leave .* got 2 mm with corners at 727 mm"):
        Tomograph(Scan(spacing=2.0), 512, 512)


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "finufft", None)
    with pytest.raises(ImportError, match=r"low-dose noise needs finufft, got none\. Install it: pip install finufft"):
        Tomograph(Scan(), 16, 16).project(torch.zeros(16, 16))
