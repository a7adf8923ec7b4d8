"""The command line as its users meet it: bad input, exit codes, one line each, nothing half-written."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import UID, generate_uid

import monai_gan_denoise
from monai_gan_denoise.cli import main
from monai_gan_denoise.networks import GanDenoiser
from monai_gan_denoise.transforms.noise import LAWS

Run = Callable[..., tuple[int, list[str]]]
NOISE = np.random.default_rng(7)


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def nifti(path: Path, values: np.ndarray | None = None) -> Path:
    values = NOISE.normal(500, 50, (24, 20, 2)).astype(np.float32) if values is None else values
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 3, 1])), path)
    return path


def label_map(path: Path) -> Path:
    image = nibabel.Nifti1Image(np.full((24, 20, 2), 17, np.int16), np.eye(4))
    image.header.set_intent("label")
    nibabel.save(image, path)
    return path


def png(path: Path, shape: tuple[int, ...] = (24, 20)) -> Path:
    Image.fromarray(NOISE.integers(0, 256, shape).astype(np.uint8)).save(path)
    return path


def truncated(path: Path, whole: bytes) -> Path:
    path.write_bytes(whole[: len(whole) * 2 // 3])
    return path


def spoiled(path: Path) -> Path:
    values = NOISE.normal(500, 50, (20, 20, 2)).astype(np.float32)
    values[3, 4:6, 0], values[5, 5, 1] = np.nan, -np.inf
    return nifti(path, values)


def with_syntax(path: Path, syntax: str) -> Path:
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([bytes(64)])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path)
    return path


def structure_set(path: Path) -> Path:
    """A file that says RTSTRUCT and holds no pixels."""
    dataset = pydicom.dcmread(packaged("CT_small.dcm"), stop_before_pixels=True)
    for keyword in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel"):
        del dataset[keyword]
    dataset.Modality = "RTSTRUCT"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.save_as(path)
    return path


def report(path: Path) -> Path:
    shutil.copyfile(packaged("reportsi.dcm"), path)
    return path


BAD: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "not an image": ("notes.txt", lambda path: truncated(path, b"no image at all"), "must be an image"),
    "text named png": ("text.png", lambda path: truncated(path, b"no image at all"), "must be what their suffix says"),
    "truncated DICOM": (
        "cut.dcm",
        lambda path: truncated(path, packaged("CT_small.dcm").read_bytes()),
        "pixel data must be 32768 bytes long",
    ),
    "truncated NIfTI": ("cut.nii", lambda path: truncated(path, nifti(path).read_bytes()), "must hold the"),
    "truncated packed NIfTI": (
        "cut.nii.gz",
        lambda path: truncated(path, gzip.compress(nifti(path.with_name("x.nii")).read_bytes(), mtime=0)),
        "files must be whole",
    ),
    "truncated PNG": (
        "cut.png",
        lambda path: truncated(path, png(path, (64, 64)).read_bytes()),
        "must be whole and readable",
    ),
    "report": ("sr.dcm", report, "without pixel data"),
    "structures": ("rtss.dcm", structure_set, "RT Structure Set Storage without pixel data"),
    "unsupported transfer syntax": (
        "mpeg.dcm",
        lambda path: with_syntax(path, "1.2.840.10008.1.2.4.100"),
        r"transfer syntax must be .* got MPEG2 .*Convert it",
    ),
    "unusable values": ("nan.nii", spoiled, "must be finite, got 3 NaN or infinite"),
    "too small": ("small.png", lambda path: png(path, (15, 40)), "at least 16 .* got 15 x 40"),
    "label map": ("dseg.nii.gz", label_map, r"got 1002 \(label\)"),
}
SKIPPED = {"report", "structures", "label map"}  # beside images: what belongs to a study


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """Take the terminal's handler off again, whose stream ends with the test."""
    yield
    logger = logging.getLogger("monai_gan_denoise")
    logger.handlers, logger.level = [], logging.NOTSET


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*arguments: object) -> tuple[int, list[str]]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return int(ended.value.code or 0), capsys.readouterr().err.splitlines()

    return called


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GanDenoiser, "forward", lambda self, noisy: noisy.clone())


def hashes(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path) -> list[str]:
    """List the files below a folder but for the run's report."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "run_report.json")
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def one_line(lines: list[str], *parts: object) -> str:
    assert len(lines) == 1, lines
    for part in parts:
        assert re.search(str(part), lines[0]), lines
    return lines[0]


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("case", sorted(BAD.keys() - SKIPPED))
def test_a_bad_file_gets_one_line_and_the_rest_is_still_denoised(case: str, tmp_path: Path, run: Run) -> None:
    name, make, reason = BAD[case]
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (tmp_path / "elsewhere").mkdir()
    make(tmp_path / "elsewhere" / name).rename(source / name)
    png(source / "a_good.png")
    nifti(source / "z_good.nii.gz")
    before = hashes(source)
    code, lines = run("denoise", source, target, "--modality", "mr")
    assert code == 1
    about = [line for line in lines if str(source / name) in line]
    one_line(about, reason)
    assert lines[-1] == "2 of 3 scans denoised, 1 failed."
    assert len(lines) == 4
    assert written(target) == ["a_good.png", "z_good.nii.gz"]
    assert hashes(source) == before


@pytest.mark.usefixtures("identity")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such names cannot be made")
@pytest.mark.parametrize("command", [("denoise",), ("simulate", "--noise", "gaussian", "--level", "0.1")])
def test_a_name_that_is_not_utf_8_gets_one_line_and_the_rest_is_done(
    command: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    png(tmp_path / "plain.tif").rename(source / os.fsdecode(b"caf\xe9.tif"))
    nifti(tmp_path / "plain.nii").rename(source / os.fsdecode(b"caf\xe9.nii"))
    png(source / "z_good.png")
    with pytest.raises(SystemExit) as ended:
        main([command[0], str(source), str(target), "--modality", "mr", *command[1:]])
    assert ended.value.code == 1
    one_line([line for line in capfd.readouterr().err.splitlines() if "UTF-8" in line], r"got caf\?\.tif\. Rename it")
    assert written(target) == [os.fsdecode(b"caf\xe9.nii"), "z_good.png"]


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("command", [("denoise",), ("simulate", "--noise", "gaussian", "--level", "0.1")])
@pytest.mark.parametrize("case", sorted(SKIPPED))
def test_what_holds_no_image_is_skipped_with_a_word_and_fails_nothing(
    case: str, command: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    name, make, reason = BAD[case]
    source = tmp_path / "in"
    source.mkdir()
    make(source / name)
    png(source / "a_good.png")
    code, lines = run(command[0], source, tmp_path / "out", "--modality", "mr", *command[1:])
    assert code == 0
    assert re.search(f"^Skipped: .*{reason}.*{re.escape(str(source / name))}", lines[1])
    assert re.fullmatch(r"1 of 1 scans (denoised|made noisy), 0 failed, 1 other objects skipped\.", lines[2])
    assert written(tmp_path / "out") == ["a_good.png"]


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_alone_ends_with_2_and_leaves_nothing(case: str, tmp_path: Path, run: Run) -> None:
    name, make, reason = BAD[case]
    source = make(tmp_path / name)
    code, lines = run("denoise", source, tmp_path / "out", "--modality", "mr")
    assert code == 2
    assert re.search(reason, lines[0])
    assert str(source) in lines[0]
    assert lines[1:] == ["0 of 1 scans denoised, 1 failed."]
    assert not (tmp_path / "out").exists() or not written(tmp_path / "out")


def test_a_missing_path_ends_with_2(tmp_path: Path, run: Run) -> None:
    code, lines = run("denoise", tmp_path / "absent.nii", tmp_path / "out")
    assert (code, lines[0]) == (2, f"INPUT must exist, got {tmp_path / 'absent.nii'}. Check the path.")
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_ends_with_2(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in").mkdir()
    code, lines = run("denoise", tmp_path / "in", tmp_path / "out")
    assert code == 2
    assert lines[0].startswith(f"INPUT must hold an image, got none in {tmp_path / 'in'}.")


@pytest.mark.parametrize("inside", ["", "out", "a/b"])
def test_output_inside_the_input_is_refused(tmp_path: Path, run: Run, inside: str) -> None:
    png(tmp_path / "a.png")
    before = hashes(tmp_path)
    code, lines = run("denoise", tmp_path, tmp_path / inside, "--modality", "us", "--overwrite")
    assert code == 2
    assert "OUTPUT must lie outside INPUT" in lines[0]
    assert hashes(tmp_path) == before


@pytest.mark.usefixtures("identity")
def test_existing_results_are_kept_unless_overwrite_says_otherwise(tmp_path: Path, run: Run) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    png(source / "a.png")
    png(source / "b.png")
    (target / "a.png").write_bytes(b"precious")
    code, lines = run("denoise", source, target, "--modality", "us")
    assert code == 1
    one_line([line for line in lines if "a.png" in line], "OUTPUT must not exist", "--overwrite")
    assert (target / "a.png").read_bytes() == b"precious"
    assert written(target) == ["a.png", "b.png"]
    code, lines = run("denoise", source, target, "--modality", "us", "--overwrite")
    assert (code, len(lines)) == (0, 3)
    assert np.array_equal(np.asarray(Image.open(target / "a.png")), np.asarray(Image.open(source / "a.png")))


@pytest.mark.usefixtures("identity")
def test_no_report_replaces_the_result_that_it_tells_of(tmp_path: Path, run: Run) -> None:
    source, target = nifti(tmp_path / "a.nii.gz"), tmp_path / "b.nii.gz"
    code, lines = run("denoise", source, target, "--modality", "mr", "--report", target)
    assert code == 2
    one_line(lines[:-1], "report must be another file than the results", target)
    assert lines[-1] == "0 of 1 scans denoised, 1 failed."
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]


def test_an_image_of_unknown_modality_is_refused_with_the_cure(tmp_path: Path, run: Run) -> None:
    code, lines = run("denoise", png(tmp_path / "a.png"), tmp_path / "out")
    assert code == 2
    assert re.search(r"modality must be one of ct, mr, xr, us, oct, got none in .*a\.png\. Pass --modality", lines[0])


@pytest.mark.usefixtures("identity")
def test_an_unusual_header_is_named_and_admitted_by_the_option(tmp_path: Path, run: Run) -> None:
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    dataset.Modality = "NM"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["NM"])
    dataset.save_as(tmp_path / "nm.dcm")
    code, lines = run("denoise", tmp_path / "nm.dcm", tmp_path / "out")
    assert code == 2
    assert "got NM in" in lines[0]
    code, _ = run("denoise", tmp_path / "nm.dcm", tmp_path / "out", "--modality", "mri")
    assert code == 0
    result = pydicom.dcmread(tmp_path / "out" / "nm.dcm")
    assert result.Modality == "NM"
    assert np.array_equal(result.pixel_array, dataset.pixel_array)


@pytest.mark.parametrize("name", ["mri", "xray"])
@pytest.mark.usefixtures("identity")
def test_the_long_names_of_modalities_are_accepted(tmp_path: Path, run: Run, name: str) -> None:
    code, _ = run("denoise", png(tmp_path / "a.png"), tmp_path / "out", "--modality", name)
    assert code == 0
    assert written(tmp_path / "out") == ["a.png"]


class RunsCode:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, run: Run) -> None:
    torch.save({"weight": RunsCode(tmp_path / "mark")}, tmp_path / "bad.pt")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(RunsCode(tmp_path / "mark")))
    for name in ("bad.pt", "plain.pkl"):
        code, lines = run("denoise", png(tmp_path / "a.png"), tmp_path / "out", "--weights", tmp_path / name)
        assert code == 2
        one_line(lines, "weights must be a plain state dict", name)
    assert not (tmp_path / "mark").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("absent.pt", None, "weights must be a file"),
        ("other.pt", {"weight": torch.zeros(3)}, "weights must fit GanDenoiser"),
        ("nested.pt", {"state_dict": {"weight": torch.zeros(3)}}, "weights must be a plain state dict"),
        ("list.pt", [torch.zeros(3)], "weights must be a plain state dict, got list"),
    ],
)
def test_weights_that_do_not_fit_end_with_2_before_any_image(
    tmp_path: Path, run: Run, name: str, content: object, reason: str
) -> None:
    if content is not None:
        torch.save(content, tmp_path / name)
    code, lines = run("denoise", png(tmp_path / "a.png"), tmp_path / "out", "--weights", tmp_path / name)
    assert code == 2
    one_line(lines, reason, name)
    assert not (tmp_path / "out").exists()


def test_perception_chooses_between_two_weights(tmp_path: Path, run: Run, two_weights: Path) -> None:
    source = nifti(tmp_path / "a.nii")
    results = {}
    for name, options in (
        ("default", ()),
        ("1", ("--perception", "1")),
        ("0", ("--perception", "0")),
        ("0.5", ("--perception", "0.5")),
    ):
        target = tmp_path / f"{name}.nii"
        code, _ = run("denoise", source, target, "--modality", "mr", "--weights", two_weights, *options)
        assert code == 0
        results[name] = target.read_bytes()
    assert results["default"] == results["0"]
    assert len({*results.values()}) == 3


def test_a_perception_without_fidelity_weights_ends_with_2_before_any_image(
    tmp_path: Path, run: Run, two_weights: Path
) -> None:
    two_weights.with_name("model_fidelity.pt").unlink()
    options = ("--weights", two_weights, "--perception", "0.5")
    code, lines = run("denoise", png(tmp_path / "a.png"), tmp_path / "out", "--modality", "us", *options)
    assert code == 2
    one_line(lines, r"perception must be 1 without the fidelity weights .*model_fidelity\.pt, got 0\.5")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Missing command"),
        (("denoise",), "Missing argument 'INPUT'"),
        (("denoise", "a"), "Missing argument 'OUTPUT'"),
        (("denoise", "a", "b", "--strength", "1.5"), "1.5 is not in the range"),
        (("denoise", "a", "b", "--debias", "on"), "'on' is not one of"),
        (("denoise", "a", "b", "--perception", "-1"), "-1.0 is not in the range"),
        (("denoise", "a", "b", "--perception", "nan"), r"perception must be in \[0, 1\], got nan"),
        (("denoise", "a", "b", "--modality", "pet"), "'pet' is not one of"),
        (("denoise", "a", "b", "--batch-size", "0"), "0 is not in the range"),
        (("denoise", "a", "b", "--jobs", "0"), "0 is not in the range"),
        (("denoise", "a", "b", "--device", "foo"), "device must be one that torch can use here, got 'foo'"),
        (("denoise", "a", "b", "--colour"), "No such option"),
        (("clean",), "No such command 'clean'"),
        (("simulate",), "Missing argument 'INPUT'"),
        (("simulate", "a"), "Missing argument 'OUTPUT'"),
        (("simulate", "a", "b", "--level", "0.1"), "Missing option '--noise'"),
        (("simulate", "a", "b", "--noise", "gaussian"), "Missing option '--level'"),
        (("simulate", "a", "b", "--noise", "gaussian", "--level", "much"), "'much' is not a valid float"),
        (("simulate", "a", "b", "--noise", "gaussian", "--level", "0.1", "--seed", "x"), "'x' is not a valid integer"),
        (("simulate", "a", "b", "--noise", "white", "--level", "0.1"), "noise must be one of gaussian, .*got 'white'"),
        (
            ("simulate", "a", "b", "--noise", "gaussian", "--level", "2"),
            "level must be from 0 to 1 for gaussian, got 2",
        ),
        (("simulate", "a", "b", "--noise", "gaussian", "--level", "nan"), "level must be from 0 to 1 for .*got nan"),
        (("simulate", "a", "b", "--noise", "poisson", "--level", "0"), "level must be from 0.001 to 1 for poisson"),
        (("simulate", "a", "b", "--noise", "poisson", "--level", "1", "--set", "x=1"), "must be among full_counts"),
        (("simulate", "--figure", "laws.gif"), "--figure must end in .png, got laws.gif"),
        (("evaluate",), "Missing option '--clean'"),
        (("evaluate", "--clean", "a", "--pred", "b"), "--clean must exist, got a"),
        (("ablate",), "Missing argument 'FOLDER'"),
        (("ablate", "absent"), "dataset_dir must be a folder or a manifest, got absent"),
        (("ablate", "absent", "--only", "no-gan"), "--only must be among recipe, .*got 'no-gan'"),
        (("ablate", "absent", "--iterations", "2"), "--iterations must be enough for the schedule, got 2"),
        (("benchmark", "--jobs", "0"), "0 is not in the range"),
        (("benchmark", "--weights", "absent.pt"), "got .*absent.pt"),
        (
            ("benchmark", "--methods", "median,mean"),
            "methods must be among noisy, ours, ours-adversarial, .*got 'mean'",
        ),
        (("benchmark", "--methods", "median", "--cells", "pet"), "cells must name cells of the protocol, got 'pet'"),
        (("benchmark", "--methods", "median", "--data", "absent"), "must be a folder or a manifest, got absent"),
        (("benchmark", "--methods", "median", "--protocol", "1"), r"protocol must be one of 2, 3, got 1\."),
        (("benchmark", "--methods", "median", "--split", "val"), "split must be test without --data, got 'val'"),
        (("benchmark", "--methods", "median", "--references", "absent"), "references must be a folder with manifest"),
    ],
)
def test_bad_arguments_get_one_line_and_2(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    code, lines = run(*arguments)
    assert code == 2
    one_line(lines, "^monai-gan-denoise: ", reason)


def test_samples_into_a_file_is_one_line_and_2(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_bytes(b"")
    code, lines = run("samples", tmp_path / "file")
    assert code == 2
    one_line(lines, "is a file")


def test_a_constant_image_and_a_constant_slice_are_copied_with_a_line(tmp_path: Path, run: Run) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    Image.fromarray(np.full((20, 24), 77, np.uint8)).save(source / "flat.png")
    values = NOISE.normal(500, 50, (20, 20, 3)).astype(np.int16)
    values[..., 1] = 400
    nifti(source / "volume.nii", values)
    code, lines = run("denoise", source, target, "--modality", "mr")
    assert code == 0
    assert f"{source / 'flat.png'}: 1 of 1 slices are constant and were copied." in lines
    assert f"{source / 'volume.nii'}: 1 of 3 slices are constant and were copied." in lines
    assert np.array_equal(np.asarray(Image.open(target / "flat.png")), np.full((20, 24), 77))
    result = np.asarray(nibabel.load(target / "volume.nii").dataobj)
    assert np.array_equal(result[..., 1], values[..., 1])
    assert not np.array_equal(result[..., 0], values[..., 0])


def test_a_result_that_cannot_be_written_is_named_and_the_rest_goes_on(tmp_path: Path, run: Run) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "blocked").mkdir(parents=True)
    target.mkdir()
    (target / "blocked").write_bytes(b"a file where a folder has to be")
    png(source / "a.png")
    png(source / "blocked" / "b.png")
    code, lines = run("denoise", source, target, "--modality", "us", "--strength", "0")
    assert code == 1
    one_line([line for line in lines if "b.png" in line], "blocked")
    assert written(target) == ["a.png", "blocked"]


def test_no_progress_bar_and_no_foreign_warning_reaches_a_log_file(tmp_path: Path, run: Run) -> None:
    code, lines = run("denoise", nifti(tmp_path / "a.nii"), tmp_path / "out", "--modality", "mr", "--batch-size", "1")
    assert code == 0
    assert lines == [f"{tmp_path / 'a.nii'} -> {tmp_path / 'out' / 'a.nii'}", "1 of 1 scans denoised, 0 failed."]


def test_lines_and_results_do_not_depend_on_the_number_of_jobs(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in").mkdir()
    for index in range(4):
        png(tmp_path / "in" / f"{index}.png")
    (tmp_path / "in" / "2.png").write_bytes(b"no image")
    ends = []
    for jobs in (1, 3):
        code, lines = run("denoise", tmp_path / "in", tmp_path / f"{jobs}", "--modality", "us", "--jobs", jobs)
        ends.append((code, [line.replace(str(tmp_path / f"{jobs}"), "OUT") for line in lines]))
    assert ends[0] == ends[1]
    assert ends[0][0] == 1
    assert written(tmp_path / "1") == written(tmp_path / "3") == ["0.png", "1.png", "3.png"]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_need_neither_torch_nor_monai(argument: str) -> None:
    program = (
        "import sys, atexit\nfrom monai_gan_denoise.cli import main\n"
        "atexit.register(lambda: sys.stderr.write(' '.join({'monai', 'torch', 'numpy'} & set(sys.modules))))\n"
        f"main([{argument!r}])"
    )
    root = Path(monai_gan_denoise.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "monai-gan-denoise" in done.stdout


def test_simulate_adds_the_noise_that_is_asked_for(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "in" / "a.nii"
    source.parent.mkdir()
    nifti(source, np.linspace(0, 100, 4096, dtype=np.float32).reshape(64, 64, 1))
    asked = ("simulate", source, "--modality", "mr", "--noise", "poisson", "--level", "0.5")
    for name, options in (
        ("plain", ()),
        ("seed", ("--seed", "1")),
        ("set", ("--set", "full_counts=10")),
        ("again", ("--seed", "0")),
    ):
        code, lines = run(*asked[:2], tmp_path / f"{name}.nii", *asked[2:], *options)
        assert (code, lines) == (
            0,
            [f"{source} -> {tmp_path / f'{name}.nii'}", "1 of 1 scans made noisy, 0 failed."],
        )
    clean, plain, seed, less, again = (
        nibabel.load(path).get_fdata()
        for path in (source, *(tmp_path / f"{name}.nii" for name in ("plain", "seed", "set", "again")))
    )
    assert np.array_equal(plain, again)
    assert not np.array_equal(plain, seed)
    # Poisson: the variance is the signal over the counts at white, here 0.5 of 1000 and of 10 for the range of 100.
    for noisy, counts in ((plain, 500), (seed, 500), (less, 5)):
        assert np.mean((noisy - clean) ** 2) == pytest.approx(100 / counts * clean.mean(), rel=0.1)


@pytest.mark.parametrize(
    ("modality", "noise", "low", "reason"),
    [
        (
            "us",
            "rician",
            0,
            r"modality must be mr for rician, got us in .*a\.nii\. Choose another law, or pass --force",
        ),
        ("xr", "poisson", -7, r"values must be at least 0 for poisson, .*got -7 in .*a\.nii"),
    ],
)
def test_a_law_without_meaning_for_the_image_is_one_line_and_writes_nothing(
    tmp_path: Path, run: Run, modality: str, noise: str, low: float, reason: str
) -> None:
    source = nifti(tmp_path / "a.nii", np.linspace(low, 100, 512, dtype=np.float32).reshape(16, 16, 2))
    code, lines = run("simulate", source, tmp_path / "out", "--modality", modality, "--noise", noise, "--level", "0.1")
    assert code == 2
    one_line(lines[:-1], reason)
    assert lines[-1] == "0 of 1 scans made noisy, 1 failed."
    assert not (tmp_path / "out").exists()


def test_force_admits_a_law_of_another_modality(tmp_path: Path, run: Run) -> None:
    options = ("--modality", "us", "--noise", "rician", "--level", "0.1", "--force")
    code, _ = run("simulate", png(tmp_path / "a.png"), tmp_path / "out", *options)
    assert code == 0
    assert written(tmp_path / "out") == ["a.png"]


@pytest.mark.parametrize("case", sorted(BAD.keys() - SKIPPED))
def test_a_bad_file_is_refused_by_simulate_as_by_denoise(case: str, tmp_path: Path, run: Run) -> None:
    name, make, reason = BAD[case]
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (tmp_path / "elsewhere").mkdir()
    make(tmp_path / "elsewhere" / name).rename(source / name)
    png(source / "a_good.png")
    before = hashes(source)
    code, lines = run("simulate", source, target, "--modality", "mr", "--noise", "gaussian", "--level", "0.1")
    assert code == 1
    one_line([line for line in lines if str(source / name) in line], reason)
    assert lines[-1] == "1 of 2 scans made noisy, 1 failed."
    assert written(target) == ["a_good.png"]
    assert hashes(source) == before


def test_the_list_of_laws_needs_no_files_and_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--list"])
    assert not ended.value.code
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert listed[2:] == list(LAWS)


def test_the_figure_of_laws_needs_no_files(tmp_path: Path, run: Run) -> None:
    code, lines = run("simulate", "--figure", tmp_path / "laws.png")
    assert (code, lines) == (0, [f"{tmp_path / 'laws.png'} shows {len(LAWS)} laws of noise."])
    with Image.open(tmp_path / "laws.png") as image:
        assert image.format == "PNG"


def test_benchmark_tells_each_cell_and_writes_its_tables(tmp_path: Path, run: Run) -> None:
    choice = ("--quick", "--jobs", "1", "--methods", "median,gaussian", "--cells", "us/gaussian,xr/clean")
    code, lines = run("benchmark", "--output", tmp_path / "out", *choice)
    assert code == 0
    assert [line.split(" done;")[0] for line in lines[:2]] == [
        "1 of 2 cells: xr/clean/0",
        "2 of 2 cells: us/gaussian/25",
    ]
    assert lines[2:] == [
        "harm: xr done.",
        "harm: us done.",
        "1 of 2 methods: median timed.",
        "2 of 2 methods: gaussian timed.",
        f"10 figures are in {tmp_path / 'out'}.",
    ]
    files = [name for name in written(tmp_path / "out") if not name.startswith(("cache/", "figures/"))]
    assert files == ["harm.csv", "report.html", "report.md", "results.csv", "results.json", "times.csv"]


IDENTIFYING = {
    "PatientName": b"ZEBRA^" + b"X" * 70 + b"=b=c=d=e",
    "PatientID": b"ZEBRA" + b"1" * 81,
    "PatientBirthDate": b"ZEBRA-1970",
    "PatientSex": b"ZEBRA*",
    "PatientAge": b"ZEBRA ",
    "PatientWeight": b"ZEBRA ",
    "PatientTelephoneNumbers": b"ZEBRA" * 10,
    "AccessionNumber": b"ZEBRA" * 6,
    "InstitutionAddress": b"ZEBRA\xff\xfe street ",
}


@pytest.mark.usefixtures("identity")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("keep", [1.0, 0.9])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_what_identifies_a_patient_is_never_logged(tmp_path: Path, run: Run, keep: float, syntax: str) -> None:
    dataset = pydicom.dcmread(packaged("CT_small.dcm"))
    for keyword, value in IDENTIFYING.items():  # which break every rule of their representations
        tag = Tag(keyword)
        dataset[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(tmp_path / "a.dcm", implicit_vr=UID(syntax).is_implicit_VR, little_endian=True)
    content = (tmp_path / "a.dcm").read_bytes()
    assert content.count(b"ZEBRA") > len(IDENTIFYING)
    (tmp_path / "a.dcm").write_bytes(content[: int(keep * len(content))])
    code, lines = run("denoise", tmp_path / "a.dcm", tmp_path / "out", "--verbose")
    assert code == (0 if keep == 1 else 2)
    assert lines
    assert not [line for line in lines if "ZEBRA" in line]
