"""Claims about what training is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
import SimpleITK as sitk

from monai_gan_denoise.io import balance, load_datalist, load_training_datalist
from monai_gan_denoise.scans.errors import InputError

TABLE = """\
file,modality,split,kind,pair,source,patient
x1.png,xray,train,clean,,a,p1
u1.png,us,train,clean,,a,p2
u2.png,us,train,clean,,a,p3
u3.png,us,train,noisy,,a,p3
v1.png,us,val,clean,,b,p1
t1.png,us,test,clean,,,
n1.png,oct,real_train,real_noisy,first,c,p9
c1.png,oct,real_train,real_clean,first,c,p9
"""


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    write_manifest(tmp_path, TABLE)
    return tmp_path


def write_manifest(folder: Path, text: str, mode: str = "w") -> None:
    """Write or extend the manifest, and put an empty file wherever it names one that is absent."""
    with (folder / "manifest.csv").open(mode) as stream:
        stream.write(text)
    for line in text.splitlines():
        if (name := line.split(",")[0]) != "file" and not (folder / name).exists():
            (folder / name).touch()


def names(items: list[dict[str, str]], key: str = "label") -> list[str]:
    return [Path(item[key]).name for item in items]


def test_a_split_lists_its_clean_images(dataset_dir: Path) -> None:
    assert names(load_datalist(dataset_dir, "train")) == ["x1.png", "u1.png", "u2.png"]
    assert load_datalist(dataset_dir, "val") == [{"label": str(dataset_dir / "v1.png"), "modality": "us"}]


def test_a_manifest_is_known_by_its_folder_or_its_own_path(dataset_dir: Path) -> None:
    table = dataset_dir / "manifest.csv"
    expected = load_datalist(dataset_dir, "train")
    assert load_datalist(table, "train") == expected
    assert load_datalist(table.rename(dataset_dir / "my_scans.csv"), "train") == expected


def test_pairs_are_listed_with_both_sides(dataset_dir: Path) -> None:
    (pair,) = load_datalist(dataset_dir, "real_train")
    assert pair == {
        "image": str(dataset_dir / "n1.png"),
        "label": str(dataset_dir / "c1.png"),
        "modality": "oct",
    }


def test_training_takes_the_clean_images_and_the_pairs_to_train_on(dataset_dir: Path) -> None:
    items = load_training_datalist(dataset_dir)
    assert names(items) == ["x1.png", "u1.png", "u2.png", "c1.png"]
    assert names(items[3:], "image") == ["n1.png"]
    assert not any("image" in item for item in items[:3])


def test_of_the_pairs_split_a_single_image_is_left_out(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "alone.png,oct,real_train,clean,,c,p10\n", "a")
    assert "alone.png" not in names(load_training_datalist(dataset_dir))


def test_training_needs_no_pairs(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "".join(TABLE.splitlines(keepends=True)[:-2]))
    assert load_training_datalist(dataset_dir) == load_datalist(dataset_dir, "train")


def test_pairs_alone_are_refused(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, TABLE.replace(",train,", ",val,"))
    with pytest.raises(InputError, match="split must name images, got 'train' in"):
        load_training_datalist(dataset_dir)


@pytest.mark.parametrize("split", ["val", "real_test"])
def test_a_patient_of_the_pairs_and_another_split_is_refused(dataset_dir: Path, split: str) -> None:
    write_manifest(dataset_dir, f"w.png,oct,{split},clean,,c,p9\n", "a")
    with pytest.raises(InputError, match=f"patients must be in one split, got p9 in real_train and {split}"):
        load_training_datalist(dataset_dir)


def test_a_patient_of_the_pairs_may_be_among_the_clean_images(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "w.png,oct,train,clean,,c,p9\n", "a")
    assert names(load_training_datalist(dataset_dir))[-2:] == ["w.png", "c1.png"]


def test_a_pair_without_one_side_is_refused(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, TABLE.replace("c1.png,oct,real_train,real_clean,first", "c1.png,oct,,,"))
    with pytest.raises(InputError, match="pair must have a noisy and a clean side, got one of first"):
        load_datalist(dataset_dir, "real_train")
    with pytest.raises(InputError, match="pair must have a noisy and a clean side, got one of first"):
        load_training_datalist(dataset_dir)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_patient_of_training_and_another_split_is_refused(dataset_dir: Path, split: str) -> None:
    write_manifest(dataset_dir, f"w.png,us,{split},clean,,a,p2\n", "a")
    with pytest.raises(InputError, match=f"patients must be in one split, got p2 in train and {split}"):
        load_datalist(dataset_dir, "train")


@pytest.mark.parametrize(("first", "second"), [("train", "test"), ("val", "real_test"), ("real_train", "val")])
def test_a_file_of_two_splits_is_refused_in_one_line(tmp_path: Path, first: str, second: str) -> None:
    write_manifest(tmp_path, f"file,modality,split\na.png,us,train\nb.png,us,{first}\n./b.png,us,{second}\n")
    with pytest.raises(
        InputError, match=rf"files must be in one split, got \S*b\.png in {first} and {second} in .+\.$"
    ):
        load_datalist(tmp_path, "train")


def test_a_file_may_be_trained_on_alone_and_as_the_side_of_a_pair(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "c1.png,oct,train,clean,,c,p9\n", "a")
    assert names(load_training_datalist(dataset_dir)).count("c1.png") == 2


def test_without_a_split_column_a_tenth_of_the_patients_is_held_out(tmp_path: Path) -> None:
    rows = [f"{patient}-{image}.png,us,{patient}" for patient in range(20) for image in range(2)]
    write_manifest(tmp_path, "\n".join(["file,modality,patient", *rows]))
    train, val = (names(load_datalist(tmp_path, split)) for split in ("train", "val"))
    assert len(val) == 4
    assert sorted(train + val) == sorted(row.split(",")[0] for row in rows)
    assert not {name.split("-")[0] for name in train} & {name.split("-")[0] for name in val}


def test_without_a_split_column_pairs_are_trained_on_and_held_out_whole(tmp_path: Path) -> None:
    rows = [f"{kind}{number}.png,oct,{kind},{number}" for number in range(20) for kind in ("noisy", "clean")]
    write_manifest(tmp_path, "\n".join(["file,modality,kind,pair", *rows]))
    train, val = load_training_datalist(tmp_path), load_datalist(tmp_path, "val")
    assert (len(train), len(val)) == (18, 2)
    for clean, noisy in zip(names(train + val), names(train + val, "image"), strict=True):
        assert noisy == clean.replace("clean", "noisy")


def test_rows_that_leave_their_split_empty_are_not_given_one(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "spare.png,us,,clean,,,\n", "a")
    assert "spare.png" not in names(load_datalist(dataset_dir, "train") + load_datalist(dataset_dir, "val"))


def test_a_folder_without_manifest_lists_its_images_and_holds_a_tenth_out(tmp_path: Path) -> None:
    (tmp_path / "us").mkdir()
    for number in range(20):
        image = sitk.GetImageFromArray(np.zeros((16, 16), np.uint8))
        sitk.WriteImage(image, str(tmp_path / "us" / f"{number}.png"))
    train, val = (load_datalist(tmp_path, split) for split in ("train", "val"))
    assert (len(train), len(val)) == (18, 2)
    assert load_training_datalist(tmp_path) == train
    assert {item["modality"] for item in train + val} == {"us"}
    assert set(names(train)).isdisjoint(names(val))
    assert load_datalist(tmp_path, "val") == val


@pytest.mark.parametrize("split", ["test", "real_test", "Test"])
def test_the_test_images_are_sealed(dataset_dir: Path, split: str) -> None:
    with pytest.raises(InputError, match="split must be train or val"):
        load_datalist(dataset_dir, split)


def test_a_split_without_images_is_refused(dataset_dir: Path) -> None:
    with pytest.raises(InputError, match=r"split must name images, got 'spare' in .*manifest\.csv"):
        load_datalist(dataset_dir, "spare")


def test_a_split_that_is_not_required_may_be_empty(dataset_dir: Path) -> None:
    assert load_datalist(dataset_dir, "spare", required=False) == []
    with pytest.raises(InputError, match="split must be train or val"):
        load_datalist(dataset_dir, "test", required=False)


def test_of_a_single_image_none_is_held_out(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((16, 16), np.uint8)), str(tmp_path / "a.png"))
    with pytest.raises(InputError, match=f"split must name images, got 'val' in {tmp_path}. Add images of other"):
        load_datalist(tmp_path, "val", "us")


def test_an_image_in_the_place_of_its_folder_is_refused_as_such(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((16, 16), np.uint8)), str(tmp_path / "a.png"))
    for image in (tmp_path / "a.png", Path(pydicom.data.get_testdata_file("MR_small.dcm"))):
        with pytest.raises(
            InputError, match=rf"must be a folder or a manifest, got the image {image}\. Pass its folder"
        ):
            load_datalist(image, "train")


def test_a_modality_counts_as_one_by_whatever_name(tmp_path: Path) -> None:
    write_manifest(tmp_path, "file,modality,split\na,mri,train\nb,MR,train\nc,xray,train\n")
    datalist = load_datalist(tmp_path, "train")
    assert [item["modality"] for item in datalist] == ["mr", "mr", "xr"]
    assert balance(datalist) == [0.5, 0.5, 1.0]


def test_an_unknown_modality_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, "file,modality,split\na.png,pet,train\n")
    with pytest.raises(InputError, match=r"modality must be one of ct, mr, xr, us, oct, got 'pet' for .*a\.png"):
        load_datalist(tmp_path, "train")


def test_a_manifest_names_a_series_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    for name, position in (("a", 5.0), ("b", -5.0)):
        dataset = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
        dataset.ImagePositionPatient = [0, 0, position]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.save_as(tmp_path / "series" / f"{name}.dcm")
    write_manifest(tmp_path, "file,modality,split\nseries,mr,train\n")
    (item,) = load_datalist(tmp_path, "train")
    assert item["label"] == [str(tmp_path / "series" / "b.dcm"), str(tmp_path / "series" / "a.dcm")]


@pytest.mark.parametrize(("gone", "split"), [("u1.png", "train"), ("n1.png", "real_train"), ("c1.png", "real_train")])
def test_a_file_that_is_not_there_is_refused_with_its_manifest(dataset_dir: Path, gone: str, split: str) -> None:
    (dataset_dir / gone).unlink()
    with pytest.raises(InputError, match=rf"^file must exist, got \S+/{gone} in \S+/manifest\.csv\. Correct its row"):
        load_datalist(dataset_dir, split)
    with pytest.raises(InputError, match="file must exist"):
        load_training_datalist(dataset_dir)


def test_what_is_not_read_need_not_be_there(dataset_dir: Path) -> None:
    (dataset_dir / "t1.png").unlink()
    assert names(load_datalist(dataset_dir, "val")) == ["v1.png"]


@pytest.mark.parametrize("count", [0, 2])
def test_a_folder_that_is_not_of_one_series_is_refused(count: int, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(count):
        image = sitk.GetImageFromArray(np.zeros((16, 16), np.uint8))
        sitk.WriteImage(image, str(tmp_path / "folder" / f"{number}.png"))
    write_manifest(tmp_path, "file,modality,split\nfolder,us,train\n")
    with pytest.raises(InputError, match=f"file must be an image or the folder of one series, got {count} images in"):
        load_datalist(tmp_path, "train")


def test_each_modality_is_drawn_as_often_as_any_other(dataset_dir: Path) -> None:
    datalist = load_datalist(dataset_dir, "train")
    weights = dict(zip(names(datalist), balance(datalist), strict=True))
    assert weights == {"x1.png": 1.0, "u1.png": 0.5, "u2.png": 0.5}
    assert balance(datalist, {"us": 2.0}) == [1.0, 1.0, 1.0]


def test_a_pair_counts_as_any_image_until_it_is_emphasized(dataset_dir: Path) -> None:
    write_manifest(dataset_dir, "o1.png,oct,train,clean,,,\no2.png,oct,train,clean,,,\n", "a")
    datalist = load_training_datalist(dataset_dir)
    third = pytest.approx(1 / 3)
    assert dict(zip(names(datalist), balance(datalist), strict=True)) == {
        "x1.png": 1.0, "u1.png": 0.5, "u2.png": 0.5, "o1.png": third, "o2.png": third, "c1.png": third,
    }  # fmt: skip
    weighed = dict(zip(names(datalist), balance(datalist, {"oct": 2.0, "pair": 6.0}), strict=True))
    assert weighed["c1.png"] == pytest.approx(6 * weighed["o1.png"])
    assert sum(weighed[name] for name in ("o1.png", "o2.png", "c1.png")) == pytest.approx(2.0)
    assert (weighed["x1.png"], weighed["u1.png"]) == (1.0, 0.5)


def test_a_sharp_image_is_drawn_more_often_at_the_cost_of_its_modality() -> None:
    datalist = [{"modality": "ct", "sharp": True}, {"modality": "ct"}, {"modality": "ct"}, {"modality": "us"}]
    assert balance(datalist, {"sharp": 3.0}) == pytest.approx([0.6, 0.2, 0.2, 1.0])
    assert balance(datalist, {"ct": 2.0})[:3] == pytest.approx([2 / 3] * 3)


def test_pairs_without_weight_are_left_out(dataset_dir: Path) -> None:
    datalist = load_training_datalist(dataset_dir)
    assert balance(datalist, {"pair": 0.0}) == [*balance(datalist[:3]), 0.0]
