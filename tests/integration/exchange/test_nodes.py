"""Our DICOM sent to archives over the network, and what they give back: the same objects, element by element."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

pytestmark = pytest.mark.integration

KINDS = ("oblique CT", "MR series", "Enhanced MR", "radiograph")
LEVELS = {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": "", "InstanceNumber": "", "NumberOfFrames": ""}


def by_instance(files: Iterable[Path]) -> dict[str, Dataset]:
    datasets = [pydicom.dcmread(path) for path in files]
    return {str(dataset.SOPInstanceUID): dataset for dataset in datasets}


def keys(**elements: str) -> list[str]:
    return [word for keyword, value in elements.items() for word in ("-k", f"{keyword}={value}")]


@pytest.fixture
def orthanc(tmp_path: Path, free_port: int, serve: Callable[..., None]) -> int:
    """An Orthanc with nothing stored, spoken to by DICOM alone; its port."""
    settings = {
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "storage"),
        "Plugins": [],
        "HttpServerEnabled": False,
        "DicomPort": free_port,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    serve(free_port, "Orthanc", tmp_path / "orthanc.json")
    return free_port


def test_storescp_receives_every_element(exchanges, program, serve, free_port: int, tmp_path: Path) -> None:
    (tmp_path / "received").mkdir()
    serve(free_port, "storescp", "--output-directory", tmp_path / "received", free_port)
    sent = [path for exchange in exchanges.values() for path in exchange.results]
    program("storescu", "127.0.0.1", free_port, *sent)
    assert by_instance((tmp_path / "received").iterdir()) == by_instance(sent)


def test_orthanc_stores_finds_and_gives_back_every_element(exchanges, program, orthanc: int, tmp_path: Path) -> None:
    node = ("127.0.0.1", orthanc)
    program("storescu", *node, *(path for exchange in exchanges.values() for path in exchange.results))
    for kind in KINDS:
        sent = by_instance(exchanges[kind].results)
        first = next(iter(sent.values()))
        series = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
        found, received = tmp_path / f"{kind} found", tmp_path / f"{kind} received"
        found.mkdir()
        received.mkdir()
        program("findscu", "-S", "-X", "-od", found, *keys(**LEVELS, **series), *node)
        answers = by_instance(found.iterdir())
        assert {uid: answer.InstanceNumber for uid, answer in answers.items()} == {
            uid: dataset.InstanceNumber for uid, dataset in sent.items()
        }
        program("getscu", "-S", "-od", received, *keys(QueryRetrieveLevel="SERIES", **series), *node)
        assert by_instance(received.iterdir()) == sent


def test_orthanc_keeps_source_and_result_as_two_series_of_one_study(
    exchanges, program, orthanc: int, tmp_path: Path
) -> None:
    node, exchange = ("127.0.0.1", orthanc), exchanges["oblique CT"]
    program("storescu", *node, *exchange.sources, *exchange.results)
    study = pydicom.dcmread(exchange.sources[0]).StudyInstanceUID
    asked = keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID="", SeriesDescription="")
    program("findscu", "-S", "-X", "-od", tmp_path, *asked, *node)
    answers = [pydicom.dcmread(path) for path in tmp_path.glob("rsp*.dcm")]
    assert len({answer.SeriesInstanceUID for answer in answers}) == 2
    assert sorted(str(answer.SeriesDescription).endswith("(denoised)") for answer in answers) == [False, True]
