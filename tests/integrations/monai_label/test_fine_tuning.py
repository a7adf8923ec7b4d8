"""Final labels to a manifest, a training and weights that are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from monai_gan_denoise.integrations.monai_label import fine_tuning
from monai_gan_denoise.integrations.monai_label.fine_tuning import FineTuning
from monai_gan_denoise.integrations.monai_label.training_data import write_lessons
from monai_gan_denoise.integrations.monai_label.weights import available_weights, publish_weights
from monai_gan_denoise.io import load_datalist, load_training_datalist, packaged_presets
from monai_gan_denoise.scans.errors import InputError

DATALIST = [
    {"image": f"/studies/{index}.nii.gz", "label": f"/studies/labels/final/{index}.nii.gz"} for index in range(5)
]


@pytest.fixture
def stored(tmp_path: Path) -> list[dict[str, str]]:
    """The same with files that there are."""
    studies = [{side: f"{tmp_path}{path}" for side, path in item.items()} for item in DATALIST]
    for path in (Path(path) for item in studies for path in item.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return studies


def test_final_labels_are_clean_images_and_one_is_held_out(stored: list[dict[str, str]], tmp_path: Path) -> None:
    manifest = write_lessons(stored, "mr", "clean", tmp_path)
    trained, held = load_training_datalist(manifest), load_datalist(manifest, "val")
    assert {item["label"] for item in trained + held} == {item["label"] for item in stored}
    assert (len(trained), len(held)) == (4, 1)
    assert not any("image" in item for item in trained)


def test_pairs_bring_their_images_too_but_not_those_held_out(stored: list[dict[str, str]], tmp_path: Path) -> None:
    manifest = write_lessons(stored, "mr", "pairs", tmp_path)
    held = {item["label"] for item in load_datalist(manifest, "val")}
    pairs = {item["image"]: item["label"] for item in load_training_datalist(manifest) if "image" in item}
    assert pairs == {item["image"]: item["label"] for item in stored if item["label"] not in held}


def test_a_datastore_without_final_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="datastore must hold final labels, clean images, got none"):
        write_lessons([], "mr", "clean", tmp_path)


def test_a_training_needs_a_modality(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="modality must be one of ct, mr, xr, us, oct, got 'auto'"):
        write_lessons(DATALIST, "auto", "clean", tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the trainer was called with; it leaves weights and says the code under "code"."""
    seen: dict[str, Any] = {"code": 0}

    def train(manifest: Path, run: Path, **arguments: Any) -> int:
        seen.update(arguments, manifest=manifest)
        (run / "model.pt").write_bytes(b"new")
        return int(seen["code"])

    monkeypatch.setattr(fine_tuning, "train", train)
    return seen


def test_a_run_has_the_epochs_of_the_preset_and_its_weights_are_served(trained: dict[str, Any], tmp_path: Path) -> None:
    weights = FineTuning(tmp_path, "mr").run({"iterations": "260", "minutes": 5}, DATALIST)
    preset = yaml.safe_load((packaged_presets() / "finetune.yaml").read_text())
    assert 260 // (preset["iterations"] // preset["epoch_length"]) == 13
    assert trained["settings"] == ("iterations=260", "epoch_length=13")
    assert (trained["minutes"], trained["preset"]) == (5, "finetune")
    assert available_weights(tmp_path)["trained"] == weights
    assert weights.read_bytes() == b"new"


def test_a_run_that_had_to_stop_serves_nothing(trained: dict[str, Any], tmp_path: Path) -> None:
    trained["code"] = 1
    with pytest.raises(RuntimeError, match="training must end with weights, got exit code 1"):
        FineTuning(tmp_path, "mr").run({}, DATALIST)
    assert list(available_weights(tmp_path)) == ["bundle"]


@pytest.mark.parametrize(("name", "value"), [("iterations", 0), ("iterations", "$exit()"), ("minutes", "inf")])
def test_a_client_cannot_choose_other_than_numbers(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{name} must be in "):
        FineTuning(tmp_path, "mr").run({name: value}, DATALIST)


def test_fidelity_weights_of_an_earlier_run_do_not_stay_beside_others(tmp_path: Path) -> None:
    for run, names in (("first", ("model.pt", "model_fidelity.pt")), ("second", ("model.pt",))):
        (tmp_path / run).mkdir()
        for name in names:
            (tmp_path / run / name).write_text(run)
        publish_weights(tmp_path / run, tmp_path)
        assert {path.name: path.read_text() for path in (tmp_path / "model").iterdir()} == dict.fromkeys(names, run)
