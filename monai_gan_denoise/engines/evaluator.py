"""Runs over many scans, where one bad file never stops the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import Dataset, ThreadDataLoader
from monai.data.utils import no_collation
from monai.engines import Evaluator
from monai.inferers import Inferer
from torch import nn

from monai_gan_denoise.io import InputError

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
        left_out: why it is nothing to process, one line; None if it is.
    """

    files: Sequence[str]
    outputs: Sequence[str] = ()
    failure: str | None = None
    left_out: str | None = None


class ScanDataset(Dataset):
    """Load scans; one that cannot be loaded becomes an item with a ``refusal``.

    Args:
        data: items as ``monai_gan_denoise.io.find_scans`` makes them.
        transform: loads ``image``, whose metadata name its ``files``.
    """

    def _transform(self, index: int) -> dict[str, Any]:
        item = dict(self.data[index])
        if "refusal" in item:
            return item
        try:
            return dict(self.transform(item))
        except (
            Exception
        ) as error:  # whatever a decoder raises on a damaged file: that file is named and the run goes on
            logger.debug("loading failed", exc_info=True)
            return {**item, "image": item["image"], "refusal": _one_line(error, item["image"])}


class ScanEngine(Evaluator):
    """Take scan after scan from files to files; the next one loads meanwhile.

    Args:
        device: where tensors go.
        dataset: loads the scans.
        process: writes the ``outputs`` of an item.
        deed: what becomes of a scan, for the summary.
        val_handlers: Ignite handlers; ``engine.state.output`` is the finished item, or the refused one.

    Attributes:
        outcomes: one for each scan, in order, once ``run`` is done.
    """

    def __init__(
        self,
        device: torch.device | str,
        dataset: ScanDataset,
        process: Transform,
        deed: str,
        val_handlers: Sequence[Any] = (),
    ) -> None:
        loader = ThreadDataLoader(dataset, batch_size=None, num_workers=0, buffer_size=1, collate_fn=no_collation)
        super().__init__(device=device, val_data_loader=loader, val_handlers=val_handlers, decollate=False)
        self.dataset = dataset
        self.process = process
        self.deed = deed
        self.outcomes: list[Outcome] = []

    def run(self, global_epoch: int = 1) -> None:  # type: ignore[override]  # as MONAI's Evaluator
        """Process every scan, log a line for each and a summary.

        Raises:
            RuntimeError: if scans are missing from ``outcomes``.
        """
        self.outcomes = []
        super().run(global_epoch)
        self._check_order()
        failed = sum(outcome.failure is not None for outcome in self.outcomes)
        left_out = sum(outcome.left_out is not None for outcome in self.outcomes)
        total = len(self.outcomes) - left_out
        others = f", {left_out} other objects skipped" if left_out else ""
        logger.info("%d of %d scans %s, %d failed%s.", total - failed, total, self.deed, failed, others)

    @property
    def exit_code(self) -> int:
        """0 if all scans were processed, 1 if some failed, 2 if all did."""
        scans = [outcome for outcome in self.outcomes if outcome.left_out is None]
        failed = sum(outcome.failure is not None for outcome in scans)
        return 0 if not failed else 2 if failed == len(scans) else 1

    def exit_on_failure(self) -> None:
        """End the program with ``exit_code`` unless that is 0, for the bundle's command line.

        Raises:
            SystemExit: if a scan failed.
        """
        if self.exit_code:
            raise SystemExit(self.exit_code)

    def _iteration(self, engine: Any, item: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(item)
        files = [str(path) for path in (item["image"].meta["files"] if "refusal" not in item else item["image"])]
        self._check_order(files)
        if "refusal" not in item:
            try:
                with torch.inference_mode():
                    result = dict(self.process(result))
            except Exception as error:  # a full disk, a lack of memory: named for this scan, and the next one is tried
                logger.debug("processing failed", exc_info=True)
                result["refusal"] = _one_line(error, files)
        failure = result.get("refusal")
        if "left_out" in item:
            self.outcomes.append(Outcome(files, left_out=failure))
            logger.info("Skipped: %s", failure)
        elif failure is None:
            self.outcomes.append(Outcome(files, item["outputs"]))
            logger.info("%s -> %s", _name(files), item["outputs"][0])
        else:
            self.outcomes.append(Outcome(files, failure=failure))
            logger.error("%s", failure)
        return result

    def _check_order(self, files: Sequence[str] | None = None) -> None:
        """Refuse a loader that lost scans: ThreadDataLoader ends in silence when its thread dies; Ignite starts anew.

        Args:
            files: of the scan that has just been loaded; None once there are no more.
        """
        done, total = len(self.outcomes), len(self.dataset)
        expected = [str(path) for path in self.dataset.data[done]["image"]] if done < total else None
        if files != expected:
            raise RuntimeError(f"outcomes must be {total}, got {done}. The loading thread died; report this.")


class ScanEvaluator(ScanEngine):
    """Denoise and write scan after scan.

    Args:
        device: where the network runs.
        dataset: loads and normalizes the scans.
        network: the denoiser.
        inferer: takes a batch of one image to the network and back.
        postprocessing: from network units to files.
        val_handlers: as for ``ScanEngine``.
    """

    def __init__(
        self,
        device: torch.device | str,
        dataset: ScanDataset,
        network: nn.Module,
        inferer: Inferer,
        postprocessing: Transform,
        val_handlers: Sequence[Any] = (),
    ) -> None:
        super().__init__(device, dataset, self._denoise, "denoised", val_handlers)
        self.network = network
        self.inferer = inferer
        self.finish = postprocessing

    def _denoise(self, item: dict[str, Any]) -> dict[str, Any]:
        pred = self.inferer(item["image"][None], self.network.eval())[0]
        return self.finish({**item, "pred": pred})


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


def _name(files: Sequence[str]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
