"""Claims about which images are held out."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from monai_gan_denoise.io.holdout import hold_out

Rows = list[dict[str, str]]


def patients(count: int, modality: str = "mr", images: int = 3) -> Rows:
    return [
        {"name": f"{modality}{patient}-{image}.png", "modality": modality, "patient": f"{modality}{patient}"}
        for patient in range(count)
        for image in range(images)
    ]


def test_a_patient_is_never_in_both() -> None:
    sides = defaultdict(set)
    rows = patients(40)
    for row, held in zip(rows, hold_out(rows), strict=True):
        sides[row["patient"]].add(held)
    assert all(len(side) == 1 for side in sides.values())


def test_a_tenth_of_the_patients_of_each_modality_is_held_out() -> None:
    rows = patients(50) + patients(20, "us") + patients(3, "ct")
    held = {(row["modality"], row["patient"]) for row, chosen in zip(rows, hold_out(rows), strict=True) if chosen}
    assert Counter(modality for modality, _ in held) == {"mr": 5, "us": 2, "ct": 1}


def test_images_without_patient_stand_for_themselves() -> None:
    rows = [{"name": f"{number}.png", "modality": "xr", "patient": ""} for number in range(100)]
    assert sum(hold_out(rows)) == 10


def test_the_choice_does_not_hang_on_the_order() -> None:
    rows = patients(50)
    shuffled = [rows[index] for index in np.random.default_rng(0).permutation(len(rows))]
    chosen = dict(zip([row["name"] for row in shuffled], hold_out(shuffled), strict=True))
    assert [chosen[row["name"]] for row in rows] == hold_out(rows)


def test_a_patient_of_two_modalities_is_held_out_with_both() -> None:
    rows = patients(30) + [{**row, "name": f"ct of {row['name']}", "modality": "ct"} for row in patients(30)]
    chosen = hold_out(rows)
    assert chosen[: len(rows) // 2] == chosen[len(rows) // 2 :]


def test_patients_of_one_name_but_two_sources_are_two() -> None:
    rows = [{"name": f"{number}", "modality": "mr", "patient": "1", "source": f"s{number}"} for number in range(20)]
    assert sum(hold_out(rows)) == 2


@pytest.mark.parametrize("patients_of", [("", ""), ("P{}", ""), ("", "P{}")])
def test_the_sides_of_a_pair_are_never_in_both(patients_of: tuple[str, str]) -> None:
    rows = [
        {"name": f"{kind}{number}", "modality": "oct", "pair": f"p{number}", "patient": patient.format(number)}
        for kind, patient in zip(("clean", "noisy"), patients_of, strict=True)
        for number in range(40)
    ]
    held = Counter(row["pair"] for row, chosen in zip(rows, hold_out(rows), strict=True) if chosen)
    assert list(held.values()) == [2] * 4


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_patient_is_for_training(count: int) -> None:
    assert not any(hold_out(patients(count)))
