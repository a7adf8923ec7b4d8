"""What a header says of a patient reaches no log and no report."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian

from monai_gan_denoise.cli import main
from monai_gan_denoise.terminal import log_to_terminal

CANARY = "CANARY"
VALUES = {  # each against its value representation, so that whoever reads it has something to say of it
    "PatientName": f"{CANARY}^" * 8,
    "PatientID": CANARY * 20,
    "PatientBirthDate": f"1950-{CANARY}",
    "PatientAge": CANARY,
    "PatientAddress": CANARY * 20,
    "OtherPatientNames": f"{CANARY}=" * 5,
    "PatientSex": CANARY * 4,
    "AccessionNumber": CANARY * 4,
    "PatientComments": CANARY,
}


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """Take the terminal's handlers off again, whose stream ends with the test."""
    yield
    logging.captureWarnings(False)
    for name in ("monai_gan_denoise", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers, logger.filters, logger.level = [], [], logging.NOTSET


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four slices that name their patient: two that can be denoised, one cut short, one without pixels."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("little", "big", "cut", "empty"):
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        dataset.SeriesInstanceUID += f".{len(name)}"
        with pydicom.config.disable_value_validation():
            for keyword, value in VALUES.items():
                setattr(dataset, keyword, value)
            if name == "big":
                dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
                dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
                pydicom.dcmwrite(folder / name, dataset, little_endian=False, implicit_vr=False)
                continue
            if name == "empty":
                del dataset.PixelData
            dataset.save_as(folder / name)
        if name == "cut":
            (folder / name).write_bytes((folder / name).read_bytes()[:-1000])
    return folder


@pytest.mark.filterwarnings("default:::pydicom")
def test_verbose_lines_and_reports_do_not_name_the_patient(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(source), str(tmp_path / "out"), "--verbose"])
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert told.err.count(" -> ") == 2, told.err
    assert CANARY not in told.err + told.out
    assert CANARY not in (tmp_path / "out" / "run_report.json").read_text()
    result = pydicom.dcmread(tmp_path / "out" / "little", stop_before_pixels=True)
    assert CANARY in str(result.PatientID)


def test_verbose_keeps_the_warnings_that_quote_headers_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal(logging.DEBUG)
    for path, text in ((pydicom.__file__, f"Invalid value for VR CS: '{CANARY}'."), (logging.__file__, "of interest")):
        logging.getLogger("py.warnings").warning("%s", warnings.formatwarning(text, UserWarning, path, 1))
    told = capsys.readouterr().err
    assert "of interest" in told
    assert CANARY not in told
