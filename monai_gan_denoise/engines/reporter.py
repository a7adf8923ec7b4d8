"""The run report, kept while a run goes on; see ``monai_gan_denoise.io.report`` for its form."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import monai
import torch
from ignite.engine import Engine, Events

from monai_gan_denoise import __version__
from monai_gan_denoise.engines.ending import ScanEvents
from monai_gan_denoise.engines.evaluator import Outcome
from monai_gan_denoise.io import (
    PROGRAM,
    REPORT_VERSION,
    OutputClaim,
    RunReport,
    RunState,
    ScanRecord,
    ScanStatus,
    source_digest,
    stored_bytes,
    with_companions,
    write_report,
)

__all__ = ["RunReporter"]

logger = logging.getLogger(__name__)

SHARE = 0.05  # of a run's time that writing its report may take: a report of 10 000 scans has megabytes


class RunReporter:
    """Write the report of a run: all scans as pending before the first, their outcomes as they come, and the end.

    Args:
        claim: of the run to its output, which ends with the run.
        device: where the network runs.
        weights: file of the weights.
        weights_hash: what ``monai_gan_denoise.networks.weights_hash`` says of the network.
        settings: of the run, for its reader; must hold ``residual``, and may hold ``noise_map``.
    """

    def __init__(
        self,
        claim: OutputClaim,
        device: torch.device | str,
        weights: str | Path,
        weights_hash: str,
        settings: Mapping[str, Any],
    ) -> None:
        self.claim, self.residual = claim, bool(settings["residual"])
        self.noise_map = bool(settings.get("noise_map"))
        self.device, self.weights, self.weights_hash = str(device), str(weights), weights_hash
        self.settings = dict(settings)

    def attach(self, engine: Engine) -> None:
        """Report the scans of a ``ScanEngine``."""
        engine.add_event_handler(Events.STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._update)
        engine.add_event_handler(ScanEvents.ENDED, self._end)

    def _begin(self, engine: Any) -> None:
        self.started, self.reported, self.due = _now(), 0, 0.0
        self.records: dict[str, ScanRecord] = {}
        for item in engine.dataset.data:
            outputs = [Path(path) for path in item.get("outputs", ())]
            named = with_companions(outputs, self.residual, self.noise_map)
            self.records[str(item["image"][0])] = self.claim.record(item["image"], named, item.get("modality"))
        self._write("running")

    def _update(self, engine: Any) -> None:
        for outcome in engine.outcomes[self.reported :]:
            self._note(outcome)
        self.reported = len(engine.outcomes)
        if time.monotonic() >= self.due:
            self._write("running")

    def _end(self, engine: Any) -> None:
        self.due = float("inf")
        self._update(engine)
        self._write("complete" if self.reported == len(self.records) else "interrupted")
        self.claim.release()

    def _note(self, outcome: Outcome) -> None:
        record = self.records[str(outcome.files[0])]
        record["status"], record["reason"] = _status(outcome), outcome.failure or outcome.left_out
        record["seconds"] = round(outcome.seconds, 3)
        if record["status"] == "denoised":
            record["source"] = source_digest(outcome.files)
            record["derivation"] = self.claim.way(record["modality"])
            # Slices on no grid have neither residual nor noise map.
            record["outputs"] = [name for name in record["outputs"] if self.claim.path(name).is_file()]
            record["bytes"] = stored_bytes([self.claim.path(name) for name in record["outputs"]])

    def _write(self, state: RunState) -> None:
        if self.claim.report is None or not self.claim.taken:
            return
        begun = time.monotonic()
        try:
            write_report(self.claim.report, self._report(state))
        except OSError as error:  # a full disk, which the scans meet as well; the report before this one is still there
            logger.error("%s [%s]", error, self.claim.report)
        now = time.monotonic()
        self.due = max(self.due, now + (now - begun) / SHARE)

    def _report(self, state: RunState) -> RunReport:
        records = list(self.records.values())
        return {
            "version": REPORT_VERSION,
            "program": f"{PROGRAM} {__version__}",
            "monai": monai.__version__,
            "torch": torch.__version__,
            "command": sys.argv,
            "input": str(self.claim.source.resolve()),
            "output": str(self.claim.target.resolve()),
            "device": self.device,
            "weights": self.weights,
            "weights_hash": self.weights_hash,
            "settings": self.settings,
            "uid_salt": self.claim.derivation.salt,
            "state": state,
            "started": self.started,
            "ended": None if state == "running" else _now(),
            "counts": dict(Counter(record["status"] for record in records)),
            "scans": records,
        }


def _status(outcome: Outcome) -> ScanStatus:
    if outcome.left_out is not None:
        return "left out"
    if outcome.failure is not None:
        return "refused" if outcome.refused else "failed"
    return "skipped" if outcome.skipped else "denoised"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
