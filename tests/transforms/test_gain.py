"""The gain of a real pair, against NumPy's least squares and scikit-image's Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter
from skimage.filters import gaussian

from monai_gan_denoise.transforms import MatchGaind, fit_gain

DRAWS = np.random.default_rng(11)
REFERENCE = gaussian_filter(DRAWS.uniform(size=(3, 60, 80)), (0, 2, 2))
NOISY = 1.3 * REFERENCE - 0.2 + 0.1 * DRAWS.standard_normal(REFERENCE.shape)


def fit(reference: np.ndarray, noisy: np.ndarray, smoothing: float = 3.0) -> tuple[float, float]:
    return fit_gain(torch.from_numpy(reference), torch.from_numpy(noisy), smoothing, "clean.png")


def least_squares(reference: np.ndarray, noisy: np.ndarray, smoothing: float) -> list[float]:
    x, y = (np.concatenate([gaussian(one, smoothing).ravel() for one in image]) for image in (reference, noisy))
    return np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)[0].tolist()


def pair(clean: np.ndarray, noisy: np.ndarray, **meta: Any) -> dict[str, Any]:
    sides = {"label": clean, "image": noisy}
    return {
        key: MetaTensor(torch.from_numpy(side)[None], meta={**meta, "filename_or_obj": f"{key}.nii"})
        for key, side in sides.items()
    }


@pytest.mark.parametrize("smoothing", [0.7, 3.0, 25.0])
@pytest.mark.parametrize("slices", [1, 3])
def test_gain_and_offset_are_those_of_least_squares_on_smoothed_slices(smoothing: float, slices: int) -> None:
    reference, noisy = REFERENCE[:slices], NOISY[:slices]
    assert fit(reference, noisy, smoothing) == pytest.approx(least_squares(reference, noisy, smoothing), abs=1e-6)


def test_a_known_gain_is_found() -> None:
    assert fit(REFERENCE, 0.8 * REFERENCE + 0.1) == pytest.approx((0.8, 0.1), abs=1e-6)


def test_noise_does_not_lower_the_gain() -> None:
    noisy_reference = REFERENCE + 0.05 * DRAWS.standard_normal(REFERENCE.shape)  # a full dose is noisy too
    plain = np.polyfit(noisy_reference.ravel(), NOISY.ravel(), 1)[0]
    assert fit(noisy_reference, NOISY)[0] == pytest.approx(1.3, abs=0.15)
    assert plain < 0.9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_is_smoothed_in_the_plane_of_its_slices(axis: int) -> None:
    clean, noisy = (np.moveaxis(side, 0, axis) for side in (REFERENCE, NOISY))
    matched = MatchGaind("label")(pair(clean, noisy, slice_axis=axis))["label"]
    gain, offset = least_squares(REFERENCE, NOISY, 3.0)
    np.testing.assert_allclose(matched[0].numpy(), gain * clean + offset, atol=1e-6)


def test_the_noisy_side_stays_as_it_is() -> None:
    data = pair(REFERENCE[0], NOISY[0])
    matched = MatchGaind("label")(data)
    assert matched["image"] is data["image"]
    np.testing.assert_array_equal(data["label"][0].numpy(), REFERENCE[0])


def test_an_image_without_a_noisy_side_passes() -> None:
    data = pair(REFERENCE[0], NOISY[0])
    del data["image"]
    assert MatchGaind("label")(data)["label"] is data["label"]


def test_a_constant_clean_side_is_refused_by_its_name() -> None:
    with pytest.raises(
        ValueError, match=r"reference must vary, got 0\.5 everywhere in label\.nii\. Leave the pair out"
    ):
        MatchGaind("label")(pair(np.full((20, 20), 0.5), NOISY[0, :20, :20]))


def test_sides_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one size, got \(60, 80\) and \(50, 80\) in label\.nii\. Register them"):
        MatchGaind("label")(pair(REFERENCE[0, :50], NOISY[0]))


def test_smoothing_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="smoothing must be positive, got 0"):
        fit(REFERENCE, NOISY, 0.0)
