"""What can be asked of a simulation, and what its draws depend on."""

from __future__ import annotations

import math

import pytest
import torch

from monai_gan_denoise.simulation import Simulation
from monai_gan_denoise.transforms.noise import LAWS, Law


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law with a parameter of each type."""
    law = Law(
        "made-up",
        lambda image, level, rng, **_: image + level,
        ("mr",),
        "what is added",
        (0, 1),
        (0.1, 0.2, 0.3),
        {"coils": 4, "width": 0.5, "kernel": "hann"},
    )
    monkeypatch.setitem(LAWS, "made-up", law)


@pytest.mark.usefixtures("made_up")
def test_settings_take_the_type_of_the_law_s_default() -> None:
    simulation = Simulation.parse("made-up", 0.5, 3, ["coils=8", "width=2", "kernel=ramp"])
    assert simulation.parameters == {"coils": 8, "width": 2.0, "kernel": "ramp"}
    assert [type(value) for value in simulation.parameters.values()] == [int, float, str]


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("noise", "level", "settings", "reason"),
    [
        ("white", 0.1, [], "noise must be one of gaussian, .*, got 'white'. See simulate --list"),
        ("gaussian", -0.1, [], "level must be from 0 to 1 for gaussian, got -0.1"),
        ("gaussian", 1.1, [], "level must be from 0 to 1 for gaussian, got 1.1"),
        ("gaussian", math.nan, [], "level must be from 0 to 1 for gaussian, got nan"),
        ("poisson", 0, [], "level must be from 0.001 to 1 for poisson, got 0. It is the dose"),
        ("made-up", 0.1, ["coils"], "--set must be NAME=VALUE, got 'coils'"),
        ("made-up", 0.1, ["turns=3"], "parameters of made-up must be among coils, width, kernel, got 'turns'"),
        ("made-up", 0.1, ["coils=2.5"], "coils must be a whole number, got '2.5'. Pass --set coils=4"),
        ("made-up", 0.1, ["width=wide"], "width must be a number, got 'wide'. Pass --set width=0.5"),
        ("made-up", 0.1, ["width=inf"], "width must be a number, got 'inf'"),
    ],
)
def test_what_a_law_does_not_have_is_refused(noise: str, level: float, settings: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Simulation.parse(noise, level, 0, settings)


def test_python_callers_are_refused_alike() -> None:
    with pytest.raises(ValueError, match="level must be from 0 to 1"):
        Simulation("gaussian", 2)
    with pytest.raises(ValueError, match="parameters of gaussian must be among none, got 'looks'"):
        Simulation("gaussian", 0.1, parameters={"looks": 2})


def test_draws_depend_on_seed_name_and_slice_alone() -> None:
    def draw(seed: int, name: str, *index: int, noise: str = "gaussian") -> float:
        return torch.rand((), generator=Simulation(noise, 0.1, seed).rng(name, index)).item()

    assert draw(0, "a.nii", 3) == draw(0, "a.nii", 3) == draw(0, "a.nii", 3, noise="speckle")
    others = [draw(1, "a.nii", 3), draw(0, "b.nii", 3), draw(0, "a.nii", 2), draw(0, "a.nii", 3, 0), draw(0, "a.nii")]
    assert len({draw(0, "a.nii", 3), *others}) == 6
    assert draw(-5, "a.nii") != draw(5, "a.nii")


def test_the_derivation_tells_law_level_and_seed_and_its_fingerprint_all_that_shows_in_pixels() -> None:
    first = Simulation("poisson", 0.25, 7, {"full_counts": 500.0})
    text = first.derivation("a.dcm").description
    assert text.startswith("Simulated noise: poisson, level 0.25, full_counts 500.0, seed 7. ")
    assert text.endswith("Research use only.")
    others = (
        Simulation("poisson", 0.25, 7),
        Simulation("poisson", 0.25, 8, {"full_counts": 500.0}),
        Simulation("poisson", 0.26, 7, {"full_counts": 500.0}),
        Simulation("gaussian", 0.25, 7),
    )
    prints = {each.derivation("a.dcm").fingerprint for each in (first, *others)}
    assert len(prints | {first.derivation("b.dcm").fingerprint}) == 6
