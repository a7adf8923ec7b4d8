"""The protocol lists what the field measures, and every entry is one that the laws can draw."""

from __future__ import annotations

import pytest

from monai_gan_denoise.benchmark import Protocol, load_protocol
from monai_gan_denoise.benchmark.foreign import FOREIGN
from monai_gan_denoise.benchmark.protocol import HALVED, NOISE_FREE, OWN, VERSIONS
from monai_gan_denoise.scans.modality import CT_RANGE, MODALITIES
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
DETECTORS = {
    "ct": {"low-dose/0.5", "low-dose/0.25", "low-dose/0.1"},
    "mr": {"rician/0.03", "rician/0.09", "nc-chi/0.03"},
    "xr": {"poisson-gaussian/0.1", "poisson-gaussian/0.02"},
    "us": {"us-speckle/0.1", "us-speckle/0.2"},
    "oct": {"oct-speckle/2", "oct-speckle/8"},
}


FOREIGN_CELLS = {
    "ct": {"smooth", "scaled", "fbp", "radon"},
    "mr": {"smooth", "scaled", "zero-filled", "coils"},
    "xr": {"smooth", "scaled", "scintillator", "scatter", "archived"},
    "us": {"smooth", "scaled", "looks", "envelope", "archived"},
    "oct": {"smooth", "scaled", "looks", "linear-looks"},
}
NOISE_FREE_CELLS = {"clean/0", "gaussian/25 noise-free", "foreign-smooth/{} 1.0 noise-free"}
OWN_SIZE = {"low-dose/0.25 own size", "low-dose/0.1 own size"}


@pytest.fixture
def protocol() -> Protocol:
    return load_protocol()


def cells_of(protocol: Protocol, modality: str) -> set[str]:
    return {cell.name.removeprefix(f"{modality}/") for cell in protocol.cells if cell.modality == modality}


@pytest.mark.parametrize("modality", MODALITIES)
def test_version_2_has_the_cells_of_all_and_those_of_the_detector(modality: str) -> None:
    protocol = load_protocol(version=2)
    assert protocol.version == 2
    assert cells_of(protocol, modality) == EVERYWHERE | DETECTORS[modality]
    assert {cell.reference for cell in protocol.cells} == {OWN}


@pytest.mark.parametrize("modality", MODALITIES)
def test_version_3_adds_foreign_noise_content_without_noise_and_ct_at_its_own_size(modality: str) -> None:
    level = "50 HU" if modality == "ct" else "12"
    added = cells_of(load_protocol(version=3), modality) - EVERYWHERE - DETECTORS[modality]
    own_size = OWN_SIZE if modality == "ct" else set()
    noise_free = {name.format(level) for name in NOISE_FREE_CELLS} - {"clean/0"}
    assert own_size | noise_free <= added
    foreign = {name.split("/")[0] for name in added - own_size - noise_free}
    assert foreign == {f"foreign-{law}" for law in FOREIGN_CELLS[modality]}


def test_the_newest_version_is_what_is_loaded_and_another_is_refused() -> None:
    assert load_protocol().version == max(VERSIONS) == 3
    with pytest.raises(ValueError, match=r"protocol must be one of 2, 3, got 1\. Leave it out for the newest"):
        load_protocol(version=1)


def test_references_are_halved_but_for_real_pairs_ct_at_its_own_size_and_phantoms(protocol: Protocol) -> None:
    for cell in protocol.cells:
        if cell.law == "real" or cell.level.endswith("own size"):
            assert cell.reference == OWN
        else:
            assert (cell.reference == NOISE_FREE) == (cell.law == "clean" or cell.level.endswith("noise-free"))
            assert cell.reference in (HALVED, NOISE_FREE)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_step_is_a_law_with_a_level_and_parameters_that_it_has(version: int) -> None:
    known = {**LAWS, **FOREIGN}
    for cell in load_protocol(version=version).cells:
        assert bool(cell.steps) == (cell.law not in ("clean", "real"))
        for name, level, parameters in cell.steps:
            known[name].check_settings(level, parameters)
            assert cell.modality in known[name].modalities
            assert version > 2 or name in LAWS


def test_a_foreign_cell_is_named_by_its_law(protocol: Protocol) -> None:
    for cell in protocol.cells:
        assert {name for name, _, _ in cell.steps if name in FOREIGN} == ({cell.law} if cell.law in FOREIGN else set())


def test_only_the_newest_versions_measure_harm(protocol: Protocol) -> None:
    assert (protocol.harm_images, protocol.harm_crop) == (4, 256)
    assert load_protocol(quick=True).harm_images == 1
    assert load_protocol(version=2).harm_images == 0


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
