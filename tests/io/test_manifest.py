"""Claims about the table beside images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_gan_denoise.io import read_manifest
from monai_gan_denoise.scans.errors import InputError


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,modality,patient\na.png,us,7\nb.png,ct,\n")
    objects = [{"file": "a.png", "modality": "us", "patient": 7}, {"file": "b.png", "modality": "ct", "patient": None}]
    (tmp_path / "other.json").write_text(json.dumps(objects))
    assert read_manifest(tmp_path / "other.json") == read_manifest(tmp_path)


def test_modalities_may_be_written_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,modality\na.png, CT\n")
    assert read_manifest(tmp_path) == [{"file": "a.png", "modality": "ct"}]


def test_manifest_json_is_found_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('[{"file": "a.png", "modality": "us"}]')
    assert read_manifest(tmp_path) == [{"file": "a.png", "modality": "us"}]


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset_dir must hold a manifest\.csv"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.csv", "name,modality\na.png,us\n", "columns must include file, got name, modality in .*csv"),
        ("manifest.json", '[{"file": "a.png"}]', "columns must include modality, got file in .*json"),
        ("manifest.json", '[{"file": ', r"manifest\.json must be JSON text in UTF-8"),
        ("manifest.json", '{"file": "a.png"}', r"manifest\.json must be a list of objects, got dict"),
        (
            "manifest.json",
            '[{"file": ["0.dcm", "1.dcm"], "modality": "ct"}]',
            r"values must be text or numbers, got \['0\.dcm', '1\.dcm'\] in .*Of a series name the folder",
        ),
        ("manifest.json", "[1]", r"manifest\.json must be a list of objects, got list"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)
