"""Runs over many scans, where one bad file never stops the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import torch
from monai.data import Dataset, MetaTensor
from monai.engines import Evaluator
from monai.inferers import Inferer
from torch import nn

from monai_gan_denoise.engines.by_volume import before_saving, denoise_by_volume, saving
from monai_gan_denoise.engines.ending import ScanEvents, interruptible
from monai_gan_denoise.engines.inferers import predict
from monai_gan_denoise.engines.overlap import finish_scans
from monai_gan_denoise.engines.unwrapping import end_unless
from monai_gan_denoise.io import large_series
from monai_gan_denoise.scans.errors import InputError

__all__ = ["Outcome", "ScanDataset", "ScanEngine", "ScanEvaluator"]

logger = logging.getLogger(__name__)

Transform = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What became of one scan.

    Attributes:
        files: its files.
        outputs: the files written; empty if it failed.
        failure: why it failed, one line; None if it did not.
        refused: whether it failed before it was processed, as an input that cannot be.
        skipped: whether an earlier run had written the outputs.
        seconds: how long it was processed.
        left_out: why it is nothing to process, one line; None if it is.
    """

    files: Sequence[str]
    outputs: Sequence[str] = ()
    failure: str | None = None
    refused: bool = False
    skipped: bool = False
    seconds: float = field(default=0.0, compare=False)
    left_out: str | None = None


class ScanDataset(Dataset):
    """Load scans; one that cannot be loaded becomes an item with a ``refusal``.

    Args:
        data: items as ``monai_gan_denoise.io.find_scans`` makes them.
        transform: loads ``image``, whose metadata name its ``files``.
        by_volume: leave large series of volumes where they are, as ``series``, instead of loading them at once.
    """

    def __init__(self, data: Sequence[Any], transform: Transform, by_volume: bool = False) -> None:
        super().__init__(data, transform)
        self.by_volume = by_volume

    def _transform(self, index: int) -> dict[str, Any]:
        item = dict(self.data[index])
        if "refusal" in item or "finished" in item:
            return item
        try:
            series = large_series(item["image"]) if self.by_volume else None
            return {**item, "series": series} if series is not None else dict(self.transform(item))
        except (
            Exception
        ) as error:  # whatever a decoder raises on a damaged file: that file is named and the run goes on
            logger.debug("loading failed", exc_info=True)
            return {**item, "image": item["image"], "refusal": _one_line(error, item["image"])}


class ScanEngine(Evaluator):
    """Take scans from files to files; while one is processed, the next one loads and the last one is written.

    Args:
        device: where tensors go.
        dataset: loads the scans.
        process: what the processor is busy with.
        deed: what becomes of a scan, for the summary.
        val_handlers: Ignite handlers; ``engine.state.output`` is the finished item, or the refused one, until the next.
        finish: writes the ``outputs`` of an item, unless ``process`` does.
        jobs: how many scans are processed at a time; outcomes and outputs are the same for any number.

    Attributes:
        outcomes: one for each scan, in order, once ``run`` is done.
        stop: set once a run is over or breaks off.
        interruption: the signal that ended the run early, if one did.
    """

    def __init__(
        self,
        device: torch.device | str,
        dataset: ScanDataset,
        process: Transform,
        deed: str,
        val_handlers: Sequence[Any] = (),
        finish: Transform = dict,
        jobs: int = 1,
    ) -> None:
        waiting: Any = dataset  # its length is all that counts before ``run``
        super().__init__(
            device=device, val_data_loader=waiting, val_handlers=val_handlers, decollate=False, event_names=[ScanEvents]
        )
        self.dataset = dataset
        self.process, self.finish = process, finish
        self.deed = deed
        self.jobs = jobs
        self.outcomes: list[Outcome] = []
        self.stop = Event()
        self.interruption: KeyboardInterrupt | None = None

    def run(self, global_epoch: int = 1) -> None:  # type: ignore[override]  # as MONAI's Evaluator
        """Process every scan, log a line for each and a summary.

        Raises:
            ValueError: if ``jobs`` is not positive.
            KeyboardInterrupt: if SIGINT or SIGTERM ended the run, which a line says.
        """
        self.outcomes, self.interruption = [], None
        self.stop.clear()
        process, finish = self._guarded(self.process), self._guarded(self.finish)
        scans = finish_scans(self.dataset, process, finish, self.jobs, self.stop)
        try:
            with interruptible(), closing(scans) as self.data_loader:
                super().run(global_epoch)
        except KeyboardInterrupt as interruption:
            self.interruption = interruption
            done, total = len(self.outcomes), len(self.dataset)
            logger.error("Interrupted after %d of %d scans; all files that are there are whole.", done, total)
            raise
        finally:
            self.fire_event(ScanEvents.ENDED)
        failed = sum(outcome.failure is not None for outcome in self.outcomes)
        left_out = sum(outcome.left_out is not None for outcome in self.outcomes)
        skipped = sum(outcome.skipped for outcome in self.outcomes)
        total, earlier = len(self.outcomes) - left_out, f" ({skipped} of them earlier)" if skipped else ""
        others = f", {left_out} other objects skipped" if left_out else ""
        logger.info("%d of %d scans %s%s, %d failed%s.", total - failed, total, self.deed, earlier, failed, others)

    @property
    def exit_code(self) -> int:
        """0 if all scans were processed, 1 if some failed, 2 if all did; 130 or 143 after SIGINT or SIGTERM."""
        if self.interruption is not None:
            return getattr(self.interruption, "exit_code", 130)
        scans = [outcome for outcome in self.outcomes if outcome.left_out is None]
        failed = sum(outcome.failure is not None for outcome in scans)
        return 0 if not failed else 2 if failed == len(scans) else 1

    def run_program(self) -> None:
        """Run, and end the program with ``exit_code`` unless that is 0, for the bundle's command line.

        Raises:
            SystemExit: if a scan failed, the run was interrupted or a setting of it cannot be used.
        """
        with suppress(KeyboardInterrupt):  # which the exit code says
            end_unless(self.run)
        if self.exit_code:
            raise SystemExit(self.exit_code)

    def _iteration(self, engine: Any, item: dict[str, Any]) -> dict[str, Any]:
        files = [str(path) for path in self.dataset.data[len(self.outcomes)]["image"]]
        failure, seconds = item.get("refusal"), item.get("seconds", 0.0)
        if "finished" in item:
            self.outcomes.append(Outcome(files, item["outputs"], skipped=True))
            logger.debug("%s was finished earlier", _name(files))
        elif "left_out" in item:
            self.outcomes.append(Outcome(files, left_out=failure))
            logger.info("Skipped: %s", failure)
        elif failure is None:
            self.outcomes.append(Outcome(files, item["outputs"], seconds=seconds))
            logger.info("%s -> %s", _name(files), item["outputs"][0])
        else:
            self.outcomes.append(Outcome(files, failure=failure, refused="failed" not in item, seconds=seconds))
            logger.error("%s", failure)
        return item

    def _guarded(self, step: Transform) -> Transform:
        """Make a step that refuses a scan instead of failing: a full disk or a lack of memory is named for this one."""

        def guarded(item: dict[str, Any]) -> dict[str, Any]:
            if "refusal" in item or "finished" in item:
                return item
            begun = time.monotonic()
            try:
                result = dict(step(item))
            except Exception as error:
                logger.debug("processing failed", exc_info=True)
                result = {**item, "refusal": _one_line(error, _files(item)), "failed": True}
            return {**result, "seconds": item.get("seconds", 0.0) + time.monotonic() - begun}

        return guarded


class ScanEvaluator(ScanEngine):
    """Denoise and write scan after scan.

    Args:
        device: where the network runs.
        dataset: loads and normalizes the scans.
        network: the denoiser.
        inferer: takes a batch of one image to the network and back.
        postprocessing: from network units to files.
        val_handlers: as for ``ScanEngine``.
        jobs: as for ``ScanEngine``.
    """

    def __init__(
        self,
        device: torch.device | str,
        dataset: ScanDataset,
        network: nn.Module,
        inferer: Inferer,
        postprocessing: Transform,
        val_handlers: Sequence[Any] = (),
        jobs: int = 1,
    ) -> None:
        super().__init__(device, dataset, self._denoise, "denoised", val_handlers, self._write, jobs)
        self.network = network
        self.inferer = inferer
        self.postprocessing = postprocessing

    def run(self, global_epoch: int = 1) -> None:  # type: ignore[override]  # as MONAI's Evaluator
        """Process every scan, as ``ScanEngine`` does; a run that breaks off ends after the slices in the network."""
        hook = self.network.register_forward_pre_hook(self._end_if_stopped)
        try:
            super().run(global_epoch)
        finally:
            hook.remove()

    def _denoise(self, item: dict[str, Any]) -> dict[str, Any]:
        if "series" not in item:
            return self._predict(item)
        undo = before_saving(self.postprocessing)
        progress = getattr(self.inferer, "progress", False)
        return denoise_by_volume(item, self.dataset.transform, self._predict, undo, progress)

    def _write(self, item: dict[str, Any]) -> dict[str, Any]:
        return saving(self.postprocessing)(item) if "series" in item else self.postprocessing(item)

    def _predict(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, **predict(self.inferer, item["image"], self.network.eval())}

    def _end_if_stopped(self, *_: Any) -> None:
        if self.stop.is_set():
            raise CancelledError


def _one_line(error: BaseException, files: Sequence[str]) -> str:
    """Say what went wrong in one line that names the file.

    MONAI wraps the error of a transform in a RuntimeError, and SaveImage even prints the writer's traceback into the
    message of a new one, with the writer's own sentence last.
    """
    while error.__cause__ is not None and not isinstance(error, InputError):
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    sentence = lines[-1].strip()
    kind, _, rest = sentence.partition(": ")
    if len(lines) > 1 and " " not in kind:
        sentence = rest
    return sentence if str(files[0]) in sentence else f"{sentence} [{_name(files)}]"


def _files(item: dict[str, Any]) -> list[str]:
    image = item["image"]
    return [str(path) for path in (image.meta["files"] if isinstance(image, MetaTensor) else image)]


def _name(files: Sequence[str]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
