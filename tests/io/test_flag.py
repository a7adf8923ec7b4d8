"""Switches as MONAI's command line passes them."""

from __future__ import annotations

import pytest

from monai_gan_denoise.io import flag


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), ("true", True), ("False", False)])
def test_a_switch_may_be_spelled_as_text(value: bool | str, expected: bool) -> None:
    assert flag(value) is expected


@pytest.mark.parametrize("value", ["no", "", 1, None])
def test_what_is_no_switch_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a switch must be true or false, got"):
        flag(value)
