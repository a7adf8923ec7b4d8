"""Claims about content with little noise that training adds to a dataset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from monai_gan_denoise.io import balance, load_training_datalist, mark_sharp
from monai_gan_denoise.scans.errors import InputError

TABLE = """\
file,modality,split,kind,pair
c1.png,ct,train,clean,
c2.png,ct,train,clean,
m1.png,mri,train,clean,
v1.png,us,val,clean,
n1.png,ct,real_train,real_noisy,first
r1.png,ct,real_train,real_clean,first
"""
PHOTOGRAPHS = """\
file,modality,split,kind
natural/a.png,natural,train,clean
natural/b.png,natural,train,clean
natural/c.png,natural,val,clean
volumes/d.nii,ct,train,real
"""


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    return write(tmp_path / "data", TABLE)


@pytest.fixture
def content_dir(tmp_path: Path) -> Path:
    return write(tmp_path / "references", PHOTOGRAPHS)


def write(folder: Path, table: str) -> Path:
    folder.mkdir()
    (folder / "manifest.csv").write_text(table)
    for line in table.splitlines()[1:]:
        path = folder / line.split(",")[0]
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((16, 16), dtype=np.uint8)).save(path) if path.suffix == ".png" else path.touch()
    return folder


def shares(items: list[dict[str, Any]], emphasis: dict[str, float], key: str, modality: str) -> float:
    weights = balance(items, emphasis)
    chosen = [
        (weight, key in item) for weight, item in zip(weights, items, strict=True) if item["modality"] == modality
    ]
    return sum(weight for weight, kind in chosen if kind) / sum(weight for weight, _ in chosen)


def test_nothing_is_added_unless_it_is_asked_for(dataset_dir: Path) -> None:
    items = load_training_datalist(dataset_dir)
    assert [set(item) for item in items] == [{"label", "modality"}] * 3 + [{"image", "label", "modality"}]


def test_leaves_are_added_of_the_modalities_that_are_there(dataset_dir: Path) -> None:
    items = load_training_datalist(dataset_dir, dead_leaves={"ct": 3, "mri": 2, "us": 5, "xr": 5})
    leaves = [item for item in items if "dead_leaves" in item]
    assert leaves == [
        *({"dead_leaves": seed, "modality": "ct"} for seed in range(3)),
        *({"dead_leaves": seed, "modality": "mr"} for seed in range(2)),
    ]
    assert len(items) == 4 + 5


def test_photographs_of_training_are_added_once_for_each_modality(dataset_dir: Path, content_dir: Path) -> None:
    items = [item for item in load_training_datalist(dataset_dir, content_dir=content_dir) if "photograph" in item]
    assert Counter((item["modality"], Path(item["label"]).name) for item in items) == {
        (modality, name): 1 for modality in ("ct", "mr") for name in ("a.png", "b.png")
    }


def test_a_folder_without_photographs_adds_none_and_the_log_tells(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert len(load_training_datalist(dataset_dir, content_dir=tmp_path / "absent")) == 4
    assert "No photographs are added" in caplog.text


def test_a_photograph_that_is_absent_is_refused(dataset_dir: Path, content_dir: Path) -> None:
    (content_dir / "natural" / "b.png").unlink()
    with pytest.raises(InputError, match=r"file must exist, got .*b\.png in .*manifest\.csv"):
        load_training_datalist(dataset_dir, content_dir=content_dir)


def test_images_at_their_own_size_are_listed_beside_the_others_but_pairs_are_not(dataset_dir: Path) -> None:
    items = load_training_datalist(dataset_dir, native=["ct"])
    assert [Path(item["label"]).name for item in items if item.get("native")] == ["c1.png", "c2.png"]
    assert [Path(item["label"]).name for item in items if not item.get("native")] == [
        "c1.png",
        "c2.png",
        "m1.png",
        "r1.png",
    ]


@pytest.mark.parametrize("counts", [{"pet": 1}, {"ct": -1}])
def test_leaves_of_an_unknown_modality_or_a_negative_number_are_refused(
    dataset_dir: Path, counts: dict[str, int]
) -> None:
    with pytest.raises(InputError, match="dead_leaves must be counts from 0 on for ct, mr, xr, us, oct, got"):
        load_training_datalist(dataset_dir, dead_leaves=counts)


def test_own_size_of_an_unknown_modality_is_refused(dataset_dir: Path) -> None:
    with pytest.raises(InputError, match="native must name some of ct, mr, xr, us, oct, got 'pet'"):
        load_training_datalist(dataset_dir, native=["pet"])


def test_emphasis_sets_the_share_of_each_kind_within_its_modality(dataset_dir: Path, content_dir: Path) -> None:
    items = load_training_datalist(dataset_dir, dead_leaves={"ct": 4}, content_dir=content_dir, native=["ct"])
    emphasis = {"leaves": 2.0, "photograph": 0.5, "native": 3.0, "pair": 6.0, "ct": 7.0}
    whole = 2 + 2 * 3.0 + 6.0 + 4 * 2.0 + 2 * 0.5
    for key, part in (("dead_leaves", 8.0), ("photograph", 1.0), ("native", 6.0), ("image", 6.0)):
        assert shares(items, emphasis, key, "ct") == pytest.approx(part / whole)
    total = dict.fromkeys(("ct", "mr"), 0.0)
    for item, weight in zip(items, balance(items, emphasis), strict=True):
        total[item["modality"]] += weight
    assert total == pytest.approx({"ct": 7.0, "mr": 1.0})


def test_emphasis_of_zero_leaves_the_leaves_out(dataset_dir: Path) -> None:
    items = load_training_datalist(dataset_dir, dead_leaves={"ct": 4})
    assert shares(items, {"leaves": 0.0}, "dead_leaves", "ct") == 0


def test_an_image_of_two_kinds_gets_both_factors() -> None:
    items = [{"modality": "ct"}, {"modality": "ct", "native": True, "sharp": True}]
    plain, both = balance(items, {"native": 2.0, "sharp": 5.0})
    assert both / plain == pytest.approx(10)


def test_drawn_images_and_photographs_are_not_marked_as_sharp(dataset_dir: Path, content_dir: Path) -> None:
    items = load_training_datalist(dataset_dir, dead_leaves={"ct": 2}, content_dir=content_dir)
    assert mark_sharp(items) == items
