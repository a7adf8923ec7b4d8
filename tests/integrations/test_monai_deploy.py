"""The parts of the MONAI Deploy application that need no SDK; the whole is run in tests/integration."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from monai_gan_denoise.integrations.monai_deploy.__main__ import main
from monai_gan_denoise.integrations.monai_deploy.outcomes import Outcomes
from monai_gan_denoise.integrations.monai_deploy.rules import selection_rules
from monai_gan_denoise.integrations.monai_deploy.selection import select_scans

CT = Path(str(get_testdata_file("CT_small.dcm", download=False)))
SERIES = str(pydicom.dcmread(CT).SeriesInstanceUID)
FOUND = {"image": [str(CT)], "outputs": ["out.dcm"], "modality": "ct"}
REFUSED = {"image": [str(CT)], "refusal": "it is damaged."}


@pytest.mark.parametrize(
    ("keyword", "selected"),
    [("CT", ["ct"]), ("MR", ["mr"]), ("DX", ["xr"]), ("MG", ["xr"]), ("US", ["us"]), ("OPT", ["oct"]), ("OCT", ["oct"])]
    + [(keyword, []) for keyword in ("PT", "SR", "SEG", "PR", "RTSTRUCT", "CTPROTOCOL", "NM")],
)
def test_one_rule_takes_a_modality_and_none_takes_what_is_no_image(keyword: str, selected: list[str]) -> None:
    selections = json.loads(selection_rules())["selections"]
    # As the SDK does: equal but for case, or found anywhere in the value.
    taken = [one["name"] for one in selections if re.search(one["conditions"]["Modality"], keyword, re.IGNORECASE)]
    assert taken == selected


def test_every_rule_wants_pixels() -> None:
    selections = json.loads(selection_rules())["selections"]
    assert len(selections) == 5
    assert all(one["conditions"]["Rows"] == [0, ">"] for one in selections)


@pytest.mark.parametrize(
    ("item", "loaded", "selected", "scans", "passed_over", "failure"),
    [
        (FOUND, {SERIES: "CT"}, {SERIES}, 1, 0, None),
        (FOUND, {SERIES: "PT"}, set(), 0, 1, None),
        (REFUSED, {SERIES: "SR"}, set(), 0, 1, None),
        (REFUSED, {SERIES: "CT"}, {SERIES}, 0, 0, "it is damaged."),
        (REFUSED, {}, set(), 0, 0, "it is damaged."),
        (FOUND, {}, set(), 0, 0, "object must have a preamble and a StudyInstanceUID"),
    ],
)
def test_a_series_is_denoised_passed_over_or_named_as_a_failure(
    item: dict[str, Any], loaded: dict[str, str], selected: set[str], scans: int, passed_over: int, failure: str | None
) -> None:
    selection = select_scans([item], loaded, selected)
    assert (len(selection.scans), len(selection.passed_over)) == (scans, passed_over)
    assert bool(selection.failures) == (failure is not None)
    assert failure is None or selection.failures[0].startswith(failure)


def test_a_series_of_many_refused_files_is_passed_over_in_one_line_that_names_it() -> None:
    (line,) = select_scans([REFUSED, REFUSED], {SERIES: "SR"}, set()).passed_over
    assert SERIES in line
    assert "Modality SR" in line
    assert str(CT) in line


def test_a_file_that_is_no_dicom_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    selection = select_scans([{"image": [str(tmp_path / "notes.txt")], "refusal": "no image"}], {}, set())
    assert selection.passed_over == [f"{tmp_path / 'notes.txt'} is no DICOM object; it is passed over."]
    assert not selection.failures


def test_a_folder_that_was_refused_as_a_whole_is_a_failure(tmp_path: Path) -> None:
    refusal = f"OUTPUT must lie outside INPUT, got {tmp_path}."
    assert select_scans([{"image": [str(tmp_path)], "refusal": refusal}], {}, set()).failures == [refusal]


@pytest.mark.parametrize(("written", "failed", "code"), [(2, 0, 0), (2, 1, 1), (0, 1, 2), (0, 0, 2)])
def test_the_exit_code_tells_all_some_or_nothing(written: int, failed: int, code: int) -> None:
    outcomes = Outcomes()
    for _ in range(written):
        outcomes.succeed([CT], Path("out.dcm"))
    for _ in range(failed):
        outcomes.fail("reason")
    assert outcomes.exit_code == code


def test_a_failure_is_one_line_that_names_the_file(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "monai_gan_denoise"):
        Outcomes().fail(ValueError("no\nspace left"), CT)
        Outcomes().fail(MemoryError(), CT)
        Outcomes().fail(f"bad header in {CT}", CT)
    assert caplog.messages == [f"no space left [{CT}]", f"MemoryError [{CT}]", f"bad header in {CT}"]


@pytest.fixture
def quiet_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the logging of the test run as it is."""
    monkeypatch.setattr("monai_gan_denoise.integrations.monai_deploy.__main__._log_to_terminal", lambda _: None)


@pytest.mark.usefixtures("quiet_logging")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-i", "{here}/none"), "monai_deploy: input must be a folder of DICOM files, got {here}/none."),
        (
            ("-i", "{here}", "-m", "{here}"),
            "monai_deploy: model must be a bundle's folder, with configs/inference.json",
        ),
        (("--strength", "2"), "monai_deploy: Invalid value for '--strength'"),
        (("--debias", "on"), "monai_deploy: Invalid value for '--debias'"),
        (("-i", "{here}", "--noise-level", "25mm"), "monai_deploy: noise_level must be auto"),
    ],
)
def test_bad_arguments_end_in_one_line_and_exit_2(
    arguments: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())  # as if the SDK were here
    for part in ("application", "job"):
        monkeypatch.setitem(sys.modules, f"monai_gan_denoise.integrations.monai_deploy.{part}", _Stub())
    with pytest.raises(SystemExit) as ended:
        main([argument.format(here=tmp_path) for argument in arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(reason.format(here=tmp_path))


@pytest.mark.usefixtures("quiet_logging")
def test_without_the_sdk_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        main(["-i", str(tmp_path)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    command = re.search(r"pip install -r (\S+)", line)
    assert command is not None
    assert "monai-deploy-app-sdk==" in Path(command.group(1)).read_text(encoding="utf-8")


def test_the_requirements_name_the_monai_that_is_tested() -> None:
    root = Path(__file__).parents[2]
    wanted = root / "monai_gan_denoise" / "integrations" / "monai_deploy" / "requirements.txt"
    (line,) = [line for line in wanted.read_text(encoding="utf-8").splitlines() if line.startswith("monai==")]
    assert line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines()


class _Stub:
    """Stands for a module whose import needs the SDK."""

    DenoiseApplication = Job = None
