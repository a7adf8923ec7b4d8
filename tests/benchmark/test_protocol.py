"""The protocol lists what the field measures, and every entry is one that the laws can draw."""

from __future__ import annotations

import pytest

from monai_gan_denoise.benchmark import Protocol, load_protocol
from monai_gan_denoise.transforms.intensity import CT_RANGE, MODALITIES
from monai_gan_denoise.transforms.noise import LAWS

EVERYWHERE = {
    "clean/0",
    "gaussian/10",
    "gaussian/25",
    "gaussian/50",
    "poisson/100",
    "poisson/20",
    "speckle/0.1",
    "speckle/0.25",
    "impulse/0.02",
    "impulse/0.1",
    "mixture/100+10+0.01",
    "real/measured",
}
OWN = {
    "ct": {"low-dose/0.5", "low-dose/0.25", "low-dose/0.1"},
    "mr": {"rician/0.03", "rician/0.09", "nc-chi/0.03"},
    "xr": {"poisson-gaussian/0.1", "poisson-gaussian/0.02"},
    "us": {"us-speckle/0.1", "us-speckle/0.2"},
    "oct": {"oct-speckle/2", "oct-speckle/8"},
}


@pytest.fixture
def protocol() -> Protocol:
    return load_protocol()


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_modality_has_the_cells_of_all_and_those_of_its_detector(protocol: Protocol, modality: str) -> None:
    names = {cell.name.removeprefix(f"{modality}/") for cell in protocol.cells if cell.modality == modality}
    assert names == EVERYWHERE | OWN[modality]


def test_every_step_is_a_law_with_a_level_and_parameters_that_it_has(protocol: Protocol) -> None:
    for cell in protocol.cells:
        assert bool(cell.steps) == (cell.law not in ("clean", "real"))
        for name, level, parameters in cell.steps:
            LAWS[name].check_settings(level, parameters)
            assert cell.modality in LAWS[name].modalities


def test_levels_are_those_of_the_literature(protocol: Protocol) -> None:
    steps = {cell.name: cell.steps for cell in protocol.cells}
    assert steps["us/gaussian/25"] == (("gaussian", 25 / 255, {}),)
    assert steps["ct/poisson/20"] == (("poisson", 0.02, {"full_counts": 1000}),)
    (law, _, parameters) = steps["mr/nc-chi/0.03"][0]
    assert law == "nc-chi"
    assert parameters["g_peak"] > 1
    mixture = [(name, level) for name, level, _ in steps["xr/mixture/100+10+0.01"]]
    assert mixture == [("poisson", 0.1), ("gaussian", 10 / 255), ("impulse", 0.01)]


def test_ranges_are_those_of_the_modalities(protocol: Protocol) -> None:
    assert protocol.ct_range == CT_RANGE == (-1024, 1976)
    assert (0, 4095) in protocol.ranges
    assert protocol.windows == {"ct": ((-160, 240),)}


def test_a_quick_run_is_a_part_of_the_protocol_with_every_modality(protocol: Protocol) -> None:
    quick = load_protocol(quick=True)
    assert {cell.modality for cell in quick.cells} == set(MODALITIES)
    assert names(quick) < names(protocol)
    assert quick.crop < protocol.crop


def names(protocol: Protocol) -> set[str]:
    return {cell.name for cell in protocol.cells}


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("mr/rician", {"mr/rician/0.03", "mr/rician/0.09"}),
        ("*/gaussian/25", {f"{modality}/gaussian/25" for modality in MODALITIES}),
        ("us/us-speckle/0.1", {"us/us-speckle/0.1"}),
    ],
)
def test_a_pattern_keeps_the_cells_it_names(protocol: Protocol, pattern: str, kept: set[str]) -> None:
    assert names(protocol.only([pattern])) == kept


@pytest.mark.parametrize("pattern", ["pet", "mr/low-dose", "mr/rician/0.09/x"])
def test_a_pattern_without_cells_is_refused(protocol: Protocol, pattern: str) -> None:
    with pytest.raises(ValueError, match="cells must name cells of the protocol, got"):
        protocol.only(["ct", pattern])


def test_seeds_differ_between_cells_and_images_only(protocol: Protocol) -> None:
    seeds = [cell.seed(protocol.seed, image) for cell in protocol.cells for image in ("a", "b")]
    assert len(set(seeds)) == 2 * len(protocol.cells)
    assert seeds == [cell.seed(protocol.seed, image) for cell in load_protocol().cells for image in ("a", "b")]
