"""The gain of a real pair, against NumPy's least squares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_gan_denoise.benchmark.gain import map_reference

DRAWS = np.random.default_rng(11)
REFERENCE = gaussian_filter(DRAWS.uniform(size=(60, 80)), 2)


def test_gain_and_offset_are_those_of_least_squares_on_smoothed_images() -> None:
    noisy = 1.3 * REFERENCE - 0.2 + 0.1 * DRAWS.standard_normal(REFERENCE.shape)
    x, y = (gaussian_filter(image, 3, mode="nearest").ravel() for image in (REFERENCE, noisy))
    (gain, offset), *_ = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)
    np.testing.assert_allclose(map_reference(REFERENCE, noisy, 3), gain * REFERENCE + offset, atol=1e-9)


def test_a_known_gain_is_undone() -> None:
    np.testing.assert_allclose(map_reference(REFERENCE, 0.8 * REFERENCE + 0.1, 3), 0.8 * REFERENCE + 0.1, atol=1e-9)


def test_a_constant_reference_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reference must vary, got 0\.5 everywhere"):
        map_reference(np.full((20, 20), 0.5), REFERENCE[:20, :20], 3)
