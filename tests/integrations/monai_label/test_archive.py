"""Series from an archive and back, with an archive of a few datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from monai_gan_denoise.integrations.monai_label.archive import fetch_series, store_series
from monai_gan_denoise.scans.errors import InputError


def dataset(uid: str) -> pydicom.Dataset:
    found = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    found.SeriesInstanceUID, found.SOPInstanceUID = "1.2.3", uid
    return found


class Client:
    """What is used of dicomweb_client's interface."""

    def __init__(self, *datasets: pydicom.Dataset, breaks: bool = False) -> None:
        self.datasets = list(datasets)
        self.breaks = breaks
        self.fetched = 0

    def search_for_series(self, search_filters: dict[str, str]) -> list[dict[str, Any]]:
        asked = search_filters["SeriesInstanceUID"]
        known = [one for one in self.datasets[:1] if one.SeriesInstanceUID == asked]
        return [{"0020000D": {"Value": ["1.2"]}, "0020000E": {"Value": [asked]}} for _ in known]

    def retrieve_series(self, study: str, series: str) -> Iterator[pydicom.Dataset]:
        assert (study, series) == ("1.2", "1.2.3")
        self.fetched += 1
        yield from self.datasets
        if self.breaks:
            raise ConnectionError("the archive has gone")

    def store_instances(self, datasets: Sequence[pydicom.Dataset]) -> None:
        self.datasets += datasets


def test_a_series_is_fetched_once_and_whole(tmp_path: Path) -> None:
    client = Client(dataset("1.2.3.1"), dataset("1.2.3.2"))
    for _ in range(2):
        assert fetch_series(client, "1.2.3", tmp_path) == tmp_path / "1.2.3"
    assert client.fetched == 1
    read = [pydicom.dcmread(path) for path in sorted((tmp_path / "1.2.3").iterdir())]
    assert read == client.datasets


def test_half_a_series_leaves_nothing_and_is_fetched_anew(tmp_path: Path) -> None:
    client = Client(dataset("1.2.3.1"), breaks=True)
    with pytest.raises(ConnectionError, match="the archive has gone"):
        fetch_series(client, "1.2.3", tmp_path)
    assert list(tmp_path.iterdir()) == []
    client.breaks = False
    assert len(list(fetch_series(client, "1.2.3", tmp_path).iterdir())) == 1


def test_a_series_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"image must be a series of the archive, got 1\.2\.4\."):
        fetch_series(Client(dataset("1")), "1.2.4", tmp_path)


@pytest.mark.parametrize("uid", ["../1.2", "", "brain", "1" * 65])
def test_what_is_no_uid_is_refused_before_it_names_a_folder(uid: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="image must be a SeriesInstanceUID, got "):
        fetch_series(Client(), uid, tmp_path)


def test_a_series_is_stored_file_by_file(tmp_path: Path) -> None:
    dataset("1.2.3.1").save_as(tmp_path / "a.dcm")
    client = Client()
    assert store_series(client, [tmp_path / "a.dcm"]) == "1.2.3"
    assert client.datasets == [dataset("1.2.3.1")]
