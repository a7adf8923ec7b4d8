"""OUTPUT, taken by one run: no other run's meanwhile, rid of what dead runs left, and with what an earlier one did."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from monai_gan_denoise.io.leftovers import remove_leftovers
from monai_gan_denoise.io.nrrd_mha.file import written_data
from monai_gan_denoise.io.report import (
    RunReport,
    ScanRecord,
    is_tree,
    read_report,
    source_digest,
    stored_bytes,
)
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

__all__ = ["OutputClaim"]

logger = logging.getLogger(__name__)

RUN_LOCK = ".monai_gan_denoise.lock"


class OutputClaim:
    """The claim of a run to its output.

    Args:
        dataset_dir: INPUT.
        output_dir: OUTPUT. It is locked if INPUT is a folder; files may go to one folder from many runs at a time.
        report: where the run reports to, and an earlier one may have; None for nowhere.
        derivation: how this run makes its outputs.
        resume: whether scans that the earlier run finished are left out, and its other outputs replaced.

    Attributes:
        taken: whether ``take`` has succeeded, and the report may be written.
    """

    def __init__(
        self,
        dataset_dir: str | Path,
        output_dir: str | Path,
        report: Path | None,
        derivation: Derivation,
        resume: bool = False,
    ) -> None:
        self.source, self.target = Path(dataset_dir), Path(output_dir)
        self.root = self.source if self.source.is_dir() else self.source.parent
        self.report, self.derivation, self.resume = report, derivation, resume
        self.taken = False
        self._earlier: dict[str, ScanRecord] = {}
        self._ours: set[Path] = set()
        self._lock: FileLock | None = None

    def take(self) -> str | None:
        """Take OUTPUT; say why, if that cannot be."""
        try:
            if is_tree(self.source):
                self.target.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(self.target / RUN_LOCK, timeout=0, thread_local=False)
                self._lock.acquire()
            place = next(folder for folder in (self.target, *self.target.absolute().parents) if folder.is_dir())
            if cleared := remove_leftovers(place, below=is_tree(self.source)):
                logger.info("%d unfinished by an earlier run cleared in %s.", cleared, place)
            earlier = read_report(self.report) if self.report else None
        except Timeout:
            return f"OUTPUT must be of one run at a time, got {self.target}, in use. Wait, or name another folder."
        except InputError as error:
            self.release()
            return str(error)
        except OSError as error:
            self.release()
            return f"OUTPUT must be a folder to write to, got {error.strerror} in {self.target}. Name another."
        if earlier:
            self._remember(earlier)
        self.taken = True
        return None

    def release(self) -> None:
        """Let others have OUTPUT."""
        self.taken = False
        if self._lock is not None and self._lock.is_locked:
            (self.target / RUN_LOCK).unlink(missing_ok=True)
            self._lock.release()

    def may_replace(self, path: Path) -> bool:
        """Tell whether an output that exists is a reported one, which a resumed run may do again."""
        return self.resume and path.absolute() in self._ours

    def is_finished(self, files: Sequence[str], outputs: Sequence[Path], modality: str) -> bool:
        """Tell whether a run that is resumed has made these outputs of these files as they are, and in the same way."""
        record = self._earlier.get(_relative(Path(files[0]), self.root))
        return (
            self.resume
            and record is not None
            and record["outputs"] == [self.name(path) for path in outputs]
            and record["source"] == source_digest(files) != ""
            and record["derivation"] == self.way(modality)
            and record["bytes"] == stored_bytes(outputs)
        )

    def record(self, files: Sequence[str], outputs: Sequence[str | Path], modality: str | None) -> ScanRecord:
        """Begin the record of a scan: pending, with what is known of its outputs from an earlier run."""
        names = [_relative(Path(path), self.root) for path in files]
        earlier = self._earlier.get(names[0])
        return {
            "files": names,
            "outputs": [self.name(path) for path in outputs] or (earlier["outputs"] if earlier else []),
            "status": "pending",
            "reason": None,
            "modality": modality,
            "seconds": None,
            "source": earlier["source"] if earlier else "",
            "derivation": earlier["derivation"] if earlier else "",
            "bytes": earlier["bytes"] if earlier else 0,
        }

    def name(self, path: str | Path) -> str:
        """Name an output as the report does."""
        return _relative(Path(path), self.target)

    def path(self, name: str) -> Path:
        """Find the output of this name."""
        return self.target if self.target.is_file() else self.target / name

    def way(self, modality: str | None) -> str:
        """Say how the outputs of a modality are made."""
        return "/".join(filter(None, (self.derivation.fingerprint, modality, self.derivation.salt)))

    def _remember(self, report: RunReport) -> None:
        """Keep the records of scans of the same input; of another's, outputs are as good as a stranger's."""
        if report["input"] != str(self.source.resolve()):
            return
        self._earlier = {record["files"][0]: record for record in report["scans"]}
        for record in report["scans"]:
            outputs = [self.path(name).absolute() for name in record["outputs"]]
            self._ours.update(outputs)  # a residual besides
            for name, output in zip(record["files"], outputs, strict=False):
                self._ours.update(written_data(self.root / name, output))


def _relative(path: Path, folder: Path) -> str:
    """Name a path within INPUT or OUTPUT; one that is itself INPUT or OUTPUT by its own name."""
    if path == folder:
        return path.name
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
