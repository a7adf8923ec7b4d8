"""The app in the real MONAI Label server, on a folder of images and on an Orthanc with DICOMweb."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import site
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_gan_denoise import Denoiser
from monai_gan_denoise.cli import main

pytestmark = pytest.mark.integration

logger = logging.getLogger(__name__)

RELAY = Path(__file__).with_name("relay.py")
PATIENCE = 300  # seconds; a server takes about twenty to start where nothing else is going on
NOISE = np.random.default_rng(11)


def command(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0
    logging.getLogger("monai_gan_denoise").handlers = []  # whose stream ends with the test


@pytest.fixture(scope="module")
def programs(request: pytest.FixtureRequest, app: Path) -> Path:
    """The programs of an environment that the app's own script has built, kept for the next run of the tests.

    What this interpreter has is not installed a second time.
    """
    wanted = b"".join(path.read_bytes() for path in sorted(app.glob("requirements*.txt")))
    name = hashlib.sha256(wanted + sys.executable.encode()).hexdigest()[:12]
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("monai_label") / name
    if not (folder / "built").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        outer = [path for path in site.getsitepackages() if Path(path).is_dir()]
        (packages / "outer.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in outer))
        subprocess.run([sys.executable, app / "environment.py", folder], check=True, timeout=2 * PATIENCE)
        (folder / "built").touch()
    return Path(folder / "bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_the_rest(group: int) -> None:
    """End what is left of a process group."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise TimeoutError(group)


@contextmanager
def running(arguments: list[object], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, which ends with the block."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=log.parent,
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield process
    finally:
        for how in (signal.SIGINT, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, how)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    continue
        end_the_rest(process.pid)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, data: bytes | None = None, kind: str = "application/json", method: str | None = None) -> Answer:
    request = urllib.request.Request(url, data, {"Content-Type": kind} if data is not None else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            ask(url)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(log.read_text()[-3000:])


@dataclass(frozen=True)
class Server:
    """A running MONAI Label."""

    url: str
    app: Path
    studies: Path
    pid: int

    def processor_time(self) -> float:
        """Seconds that the server has computed; what else the machine does is not in it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")

    def info(self) -> Any:
        return ask(f"{self.url}/info/").json

    def infer(self, image: str, output: str = "image", **params: object) -> Answer:
        query = urllib.parse.urlencode({"image": image, "output": output})
        form = urllib.parse.urlencode({"params": json.dumps(params)}).encode()
        return ask(f"{self.url}/infer/denoise?{query}", form, "application/x-www-form-urlencoded")

    def volume(self, image: str, folder: Path, **params: object) -> nibabel.Nifti1Image:
        answer = self.infer(image, **params)
        assert answer.status == 200, answer.body
        (folder / "answer.nii.gz").write_bytes(answer.body)
        return nibabel.load(folder / "answer.nii.gz")


@contextmanager
def serving(app: Path, studies: object, programs: Path, folder: Path, **environment: str) -> Iterator[Server]:
    port, log = free_port(), folder / "server.log"
    arguments = [programs / "monailabel", "start_server", "--app", app, "--studies", studies]
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), "PYTHONPATH": "", **environment}
    with running([*arguments, "--host", "127.0.0.1", "--port", port], log, **environment) as process:
        wait_for(f"http://127.0.0.1:{port}/info/", process, log)
        yield Server(f"http://127.0.0.1:{port}", app, Path(str(studies)), process.pid)
        assert process.poll() is None  # nothing that a test asked for has ended it


def nifti(path: Path, shape: tuple[int, int, int] = (40, 32, 3), contrast: float = 1) -> Path:
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape[:2]), indexing="ij")
    disc = 500 * (rows**2 + columns**2 < 0.8) + 200 * contrast * ((rows - 0.2) ** 2 + columns**2 < 0.1)
    values = np.abs(disc[..., None] + NOISE.normal(0, 40, shape)).astype(np.int16)
    image = nibabel.Nifti1Image(values, np.array([[-1, 0.1, 0, 5], [0.1, 1, 0, -7], [0, 0, 3, 20], [0, 0, 0, 1.0]]))
    image.header.set_dim_info(slice=2)
    nibabel.save(image, path)
    return path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app") / "linked"
    command("label-app", folder, "--link")
    return folder


@pytest.fixture(scope="module")
def server(app: Path, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On a folder of volumes, one of which is cut off; two have a clean image as their final label."""
    studies = tmp_path_factory.mktemp("studies")
    (studies / "labels" / "final").mkdir(parents=True)
    for name in ("one", "two", "three"):
        nifti(studies / f"{name}.nii.gz")
    for name in ("one", "two"):
        nifti(studies / "labels" / "final" / f"{name}.nii.gz", contrast=1.1)
    nifti(studies / "volume.nii.gz", (256, 256, 60))
    whole = (studies / "three.nii.gz").read_bytes()
    (studies / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    with serving(app, studies, programs, tmp_path_factory.mktemp("server")) as served:
        yield served


def test_info_offers_denoising_and_what_can_be_chosen(server: Server) -> None:
    info = server.info()
    assert list(info["models"]) == ["denoise"]
    assert info["models"]["denoise"]["type"] == "others"
    config = info["models"]["denoise"]["config"]
    assert config["modality"] == ["auto", "ct", "mr", "xr", "us", "oct"]
    assert (config["strength"], config["perception"]) == (1, 0)
    assert set(info["trainers"]["denoise"]["config"]) == {"modality", "lessons", "iterations", "minutes"}


@pytest.mark.parametrize("choice", [{}, {"strength": "0.5", "perception": 0.25}], ids=["as it is", "chosen"])
def test_a_nifti_comes_back_as_from_the_command_line(server: Server, tmp_path: Path, choice: dict[str, Any]) -> None:
    answer = server.volume("one", tmp_path, modality="mr", **choice)
    options = [word for name, value in choice.items() for word in (f"--{name}", value)]
    command("denoise", server.studies / "one.nii.gz", tmp_path / "line.nii.gz", "--modality", "mr", *options)
    expected = nibabel.load(tmp_path / "line.nii.gz")
    assert answer.header == expected.header
    assert np.array_equal(answer.dataobj, expected.dataobj)
    assert not np.array_equal(answer.dataobj, nibabel.load(server.studies / "one.nii.gz").dataobj)


CLIENT = """
import sys
from monailabel.client import MONAILabelClient

url, file, folder = sys.argv[1:]
client = MONAILabelClient(url, folder)
print(client.infer("denoise", "one", {"modality": "mr"})[0])
session = client.create_session(file)["session_id"]
print(client.infer("denoise", "", {"modality": "mr"}, session_id=session)[0])
try:
    client.infer("denoise", "one", {"modality": "pet"})
except Exception as error:
    print(error.msg)
"""


def test_the_client_of_slicer_gets_volumes_sessions_and_reasons(server: Server, programs: Path, tmp_path: Path) -> None:
    expected = server.volume("one", tmp_path, modality="mr")
    command = [programs / "python", "-c", CLIENT, server.url, server.studies / "one.nii.gz", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    *files, reason = done.stdout.splitlines()
    assert len(files) == 2
    for file in files:
        assert np.array_equal(nibabel.load(file).dataobj, expected.dataobj)
    assert "modality must be one of auto, ct, mr, xr, us, oct, got 'pet'" in reason


@pytest.mark.parametrize(
    ("image", "params", "reason"),
    [
        ("one", {}, "modality must be one of ct, mr, xr, us, oct, got none in "),
        ("cut", {"modality": "mr"}, "cut.nii.gz"),
        ("absent", {"modality": "mr"}, "image must be one of the datastore's, got 'absent'"),
        ("one", {"modality": "mr", "strength": 2}, "strength must be in [0, 1], got 2"),
    ],
    ids=["unknown modality", "cut off", "absent", "strength of 2"],
)
def test_a_client_is_told_why_and_the_next_request_works(
    server: Server, tmp_path: Path, image: str, params: dict[str, Any], reason: str
) -> None:
    answer = server.infer(image, **params)
    assert answer.status == 400
    assert reason in answer.json["detail"]
    assert "Traceback" not in answer.json["detail"]
    server.volume("one", tmp_path, modality="mr")


def test_a_missing_model_is_named_and_served_once_it_is_there(app: Path, server: Server, tmp_path: Path) -> None:
    weights = server.app / "model" / "model.pt"
    weights.parent.mkdir(exist_ok=True)
    shutil.copyfile(app / "bundle" / "models" / "model.pt", weights)
    answer = server.infer("one", modality="mr", weights="trained", perception=0.5)
    assert answer.status == 400
    assert f"without the fidelity weights {weights.with_name('model_fidelity.pt')}" in answer.json["detail"]
    weights.write_bytes(b"cut off")
    assert "weights must be a plain state dict" in server.infer("one", modality="mr").json["detail"]
    weights.unlink()
    server.volume("one", tmp_path, modality="mr")


def test_a_training_on_final_labels_is_what_is_served_next(server: Server, tmp_path: Path) -> None:
    before = server.volume("one", tmp_path, modality="mr")
    names = server.info()["models"]["denoise"]["config"]["weights"]
    assert names == ["bundle"]
    before_values = np.asarray(before.dataobj)
    wish = {"modality": "mr", "lessons": "pairs", "iterations": 20}
    started = ask(f"{server.url}/train/denoise", json.dumps(wish).encode())
    assert started.status == 200, started.body
    deadline = time.monotonic() + PATIENCE
    while (status := ask(f"{server.url}/train/").json)["status"] in ("SUBMITTED", "RUNNING"):
        assert time.monotonic() < deadline, status
        time.sleep(0.5)
    assert status["status"] == "DONE", status
    assert server.info()["models"]["denoise"]["config"]["weights"] == ["trained", "bundle"]
    assert not np.array_equal(server.volume("one", tmp_path, modality="mr").dataobj, before_values)
    again = server.volume("one", tmp_path, modality="mr", weights="bundle")
    assert np.array_equal(again.dataobj, before_values)


def test_the_first_answer_of_a_warm_server_costs_little_more_than_the_network(server: Server, tmp_path: Path) -> None:
    before = server.processor_time()
    answer = server.infer("volume", modality="mr", weights="bundle")
    answered = server.processor_time() - before
    assert answer.status == 200, answer.body
    network = network_time(server.studies / "volume.nii.gz", tmp_path / "line.nii.gz")
    logger.info("the answer took %.1f s of processor time, the network %.1f s", answered, network)
    assert answered <= 1.2 * network + 3


def network_time(source: Path, target: Path) -> float:
    """Seconds of processor time that the network takes when the command line denoises a volume."""
    denoiser = Denoiser(device="cpu")
    forward, seconds = denoiser.network.forward, []

    def timed(*inputs: Any) -> Any:
        begin = time.process_time()
        result = forward(*inputs)
        seconds.append(time.process_time() - begin)
        return result

    denoiser.network.forward = timed  # type: ignore[method-assign]
    assert denoiser.run(source, target, modality="mr").exit_code == 0
    return sum(seconds)


def dicom_series(folder: Path, modality: str = "MR", spoil: Callable[[pydicom.Dataset], None] | None = None) -> Path:
    """Three oblique slices in one series, in files whose order is not theirs in space."""
    folder.mkdir(parents=True)
    study, series = generate_uid(), generate_uid()
    normal = np.cross([0.8, 0.6, 0], [0, 0, -1])
    for index in (2, 0, 1):
        dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
        dataset.Modality, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = modality, study, series
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.ImageOrientationPatient = [0.8, 0.6, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [float(value) for value in [10, -20, 30] + 3.0 * index * normal]
        dataset.InstanceNumber, dataset.SliceThickness = index + 1, 3
        values = dataset.pixel_array + NOISE.normal(0, 60, dataset.pixel_array.shape)
        dataset.PixelData = np.clip(values, 0, 4000).astype(np.int16).tobytes()
        if spoil:
            spoil(dataset)
        dataset.save_as(folder / f"{2 - index}.dcm")
    return folder


def uid_of(series: Path) -> str:
    return str(pydicom.dcmread(next(series.iterdir()), stop_before_pixels=True).SeriesInstanceUID)


def half_the_pixels(dataset: pydicom.Dataset) -> None:
    dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]


@dataclass(frozen=True)
class Archive:
    url: str

    def store(self, series: Path) -> str:
        for file in series.iterdir():
            assert ask(f"{self.url}/instances", file.read_bytes(), "application/dicom").status == 200
        return uid_of(series)

    def series(self) -> set[str]:
        answer = ask(f"{self.url}/series?expand").json
        return {one["MainDicomTags"]["SeriesInstanceUID"] for one in answer}


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An Orthanc that 127.0.0.1 alone can reach: 1.10 listens on every address, so it gets a network of its own."""
    folder = tmp_path_factory.mktemp("orthanc")
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
        "HttpPort": 8042,
        "DicomServerEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    relayed = f"{sys.executable} {RELAY} {folder}/socket {settings['HttpPort']}"
    inside = f"ip link set lo up && {{ {relayed} & Orthanc {folder}/orthanc.json; }}"
    apart = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    port = free_port()
    log = folder / "orthanc.log"
    with (
        running([*apart, "sh", "-c", inside], log, PATH=f"{os.environ['PATH']}:/usr/sbin") as process,
        running([sys.executable, RELAY, port, folder / "socket"], folder / "relay.log"),
    ):
        wait_for(f"http://127.0.0.1:{port}/system", process, log)
        yield Archive(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dicom_series(tmp_path_factory.mktemp("series") / "mr")


@pytest.fixture(scope="module")
def archived(
    orthanc: Archive, series: Path, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A self-contained copy of the app, on an Orthanc that holds a series."""
    orthanc.store(series)
    copied = tmp_path_factory.mktemp("app") / "copied"
    command("label-app", copied)
    with serving(copied, f"{orthanc.url}/dicom-web", programs, tmp_path_factory.mktemp("server")) as served:
        yield served


def test_a_series_in_orthanc_comes_back_as_from_the_command_line(
    archived: Server, series: Path, tmp_path: Path
) -> None:
    answer = archived.volume(uid_of(series), tmp_path)
    assert answer.get_data_dtype() == np.float32
    command("denoise", series, tmp_path / "line")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "line")))
    expected, source = reader.Execute(), nibabel.load(converted(series, tmp_path))
    np.testing.assert_allclose(
        np.asarray(answer.dataobj), sitk.GetArrayFromImage(expected).transpose(2, 1, 0), atol=0.5
    )
    np.testing.assert_allclose(answer.affine, source.affine, atol=1e-4)


def converted(series: Path, folder: Path) -> Path:
    """The series as MONAI Label converts it for its clients."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    sitk.WriteImage(reader.Execute(), str(folder / "converted.nii.gz"))
    return folder / "converted.nii.gz"


def test_a_denoised_series_is_put_into_the_archive_on_request(archived: Server, orthanc: Archive, series: Path) -> None:
    before = orthanc.series()
    answer = archived.infer(uid_of(series), output="json", store=True)
    assert answer.status == 200, answer.body
    assert orthanc.series() - before == {answer.json["stored"]}
    assert archived.infer(uid_of(series), output="json", store=True).json["stored"] == answer.json["stored"]


@pytest.mark.parametrize(
    ("modality", "spoil", "reason"),
    [
        ("PT", None, "modality must be one of ct, mr, xr, us, oct, got PT in "),
        ("MR", half_the_pixels, "files must hold"),
    ],
    ids=["PET", "cut off"],
)
def test_a_series_that_cannot_be_denoised_is_named_and_the_next_request_works(
    archived: Server,
    orthanc: Archive,
    series: Path,
    tmp_path: Path,
    modality: str,
    spoil: Callable[[pydicom.Dataset], None] | None,
    reason: str,
) -> None:
    spoiled = orthanc.store(dicom_series(tmp_path / "bad", modality, spoil))
    answer = archived.infer(spoiled)
    assert answer.status == 400
    assert reason in answer.json["detail"]
    archived.volume(uid_of(series), tmp_path)


@pytest.mark.parametrize("image", ["1.2.3.4", "../../etc"])
def test_a_series_that_the_archive_lacks_is_named(archived: Server, image: str) -> None:
    answer = archived.infer(image)
    assert answer.status == 400
    assert image in answer.json["detail"]


def test_weights_that_are_missing_from_the_app_are_named(archived: Server, series: Path, tmp_path: Path) -> None:
    weights = archived.app / "bundle" / "models" / "model.pt"
    weights.rename(weights.with_suffix(".away"))
    answer = archived.infer(uid_of(series))
    assert answer.status == 400
    assert answer.json["detail"] == f"weights must be a file, got {weights}. Check the path."
    weights.with_suffix(".away").rename(weights)
    archived.volume(uid_of(series), tmp_path)
