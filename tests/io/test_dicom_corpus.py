"""All files that pydicom ships for its own tests: each becomes a valid output or a refusal by name."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.data import data_manager
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from monai_gan_denoise import Denoiser
from monai_gan_denoise.engines import Outcome
from monai_gan_denoise.networks import GanDenoiser

SHIPPED = Path(str(data_manager.DATA_ROOT))
Ends = dict[Path, list[Outcome] | str]
SECONDS = 60  # for one file on a busy core, where the slowest takes 2 on an idle one
NO_OBJECTS = (".py", ".pyc", ".json", ".sha256", ".ini", ".md", ".txt", ".gz", ".dump", ".icc")
VERSION, DENOISED, REFUSED = "3.0.2", 95, 97  # of pydicom, and what becomes of its files; the README says the same
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # Python 3.12, of threads that hold no lock here
]


def corpus() -> list[Path]:
    """What pydicom ships, and pydicom-data where it is installed; nothing is downloaded."""
    more = importlib.util.find_spec("data_store")  # the package of pydicom-data
    folders = [SHIPPED, *([Path(more.origin).parent] if more and more.origin else [])]
    found = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sorted(path for path in found if path.suffix not in NO_OBJECTS and path.name != "README")


class Worker:
    """A process that denoises file after file; another takes its place where it crashes or hangs."""

    def __init__(self, weights: Path) -> None:
        self.weights = weights
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.ours, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.weights), daemon=True)
        self.process.start()
        theirs.close()

    def denoise(self, path: Path, folder: Path) -> list[Outcome] | str:
        """Denoise a file, or the files that it lists, with strength 0; give what became of them, or what went wrong."""
        self.ours.send((path, folder))
        try:
            if self.ours.poll(SECONDS):
                reply: list[Outcome] | str = self.ours.recv()
                return reply
            said = "hangs"
        except EOFError:
            said = "crashes"
        self.end()
        self.start()
        return said

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def work(pipe: Connection, weights: Path) -> None:
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    GanDenoiser.forward = lambda self, noisy: 0.9 * noisy  # the network does not matter, and takes its time
    denoiser = Denoiser(weights, "cpu")
    while True:
        path, folder = pipe.recv()
        try:
            pipe.send(denoiser.run(path, folder, modality="mr", strength=0).outcomes)
        except BaseException as error:  # the test has to name whatever it is
            pipe.send(f"raises {type(error).__name__}: {error}")


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[Outcome] | str]:
    """What became of each file; the outputs of each lie in a folder of its own."""
    folder = tmp_path_factory.mktemp("outputs")
    torch.save(GanDenoiser().state_dict(), folder / "model.pt")
    worker = Worker(folder / "model.pt")
    found = {path: worker.denoise(path, folder / str(index)) for index, path in enumerate(corpus())}
    worker.end()
    return found


@pytest.fixture(scope="module")
def outputs(ends: Ends) -> dict[Path, Path]:
    """The output of each file that has one."""
    done = [outcome for outcomes in ends.values() if not isinstance(outcomes, str) for outcome in outcomes]
    pairs = [pair for outcome in done for pair in zip(outcome.files, outcome.outputs, strict=False)]
    return {Path(source): Path(output) for source, output in pairs}


def test_no_file_crashes_hangs_or_raises(ends: Ends) -> None:
    assert {path: said for path, said in ends.items() if isinstance(said, str)} == {}


def test_every_refusal_is_one_line_that_names_the_file(ends: Ends) -> None:
    outcomes = [outcome for found in ends.values() for outcome in found if outcome.failure]
    assert [each for each in outcomes if "\n" in each.failure or str(each.files[0]) not in each.failure] == []
    assert [each for each in outcomes if each.outputs] == []


def test_pydicom_reads_every_output_with_the_pixels_of_its_source(outputs: dict[Path, Path]) -> None:
    for path, output in outputs.items():
        source, result = pydicom.dcmread(path, force=True), pydicom.dcmread(output)
        np.testing.assert_array_equal(result.pixel_array, source.pixel_array, err_msg=str(path))
        assert result.SOPInstanceUID != source.SOPInstanceUID


def test_dciodvfy_finds_no_new_error_in_any_output(
    errors: Callable[[Path], Counter[str]], outputs: dict[Path, Path], tmp_path: Path
) -> None:
    new = {}
    for path, output in outputs.items():
        source, dataset = path, pydicom.dcmread(path, force=True)
        if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:  # which dciodvfy cannot read
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            source = tmp_path / path.name
            dataset.save_as(source)
        new[path] = errors(output) - errors(source)
    assert {path: found for path, found in new.items() if found} == {}


def test_the_readme_counts_the_files(ends: Ends) -> None:
    if pydicom.__version__ != VERSION:
        pytest.skip("another release of pydicom ships other files")
    shipped = [found for path, found in ends.items() if path.is_relative_to(SHIPPED)]
    whole = Counter(all(outcome.failure is None for outcome in found) for found in shipped)
    assert whole == {True: DENOISED, False: REFUSED}
