"""Training as users start it: the bundle's train.json, a preset laid over it, a folder for the run."""

from __future__ import annotations

import json
import logging
import re
import zipfile
import zlib
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from ignite.handlers import TimeLimit
from monai.bundle import ConfigParser, ConfigWorkflow
from yaml import YAMLError

from monai_gan_denoise.engines import TrainingError, interruptible, root_cause, unwrapped
from monai_gan_denoise.io import packaged_bundle, packaged_presets
from monai_gan_denoise.scans.errors import InputError

__all__ = ["newest_checkpoint", "train"]

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoint_epoch=*.pt"  # as MONAI's CheckpointSaver names them
NOT_WRITTEN = ("iostream error", "inline_container", "No space left", "File too large")  # what torch.save makes of it
KINDS = {bool: "true or false", float: "a number", str: "text", list: "a list", dict: "an object"}


def train(
    dataset_dir: str | Path,
    output_dir: str | Path | None = None,
    *,
    preset: str = "",
    modality: str = "auto",
    init: str | Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
    settings: Sequence[str] = (),
) -> int:
    """Train on a folder and write checkpoints and weights.

    Args:
        dataset_dir: images and pairs, see ``io.load_training_datalist``.
        output_dir: of this run alone; that of the configuration if None.
        preset: the name of a packaged preset, or a file laid over train.json.
        modality: of images that neither a manifest, their header nor their subfolder tells.
        init: weights to start from.
        resume: go on from the newest whole checkpoint in ``output_dir``, with the settings that the run began with.
        minutes: end with the first epoch that is complete after that time, weights written; the run can be resumed.
        settings: ``NAME=VALUE`` each, entries of the configuration, values in JSON or plain text.

    Returns:
        0 if there are weights, 1 if the run had to stop before.

    Raises:
        ValueError: if an argument, a setting or the data cannot be used; nothing was trained then.
        KeyboardInterrupt: if SIGINT or SIGTERM ended the run, which a line says.
    """
    files = [packaged_bundle() / "configs" / "train.json", *([_preset_file(preset)] if preset else [])]
    _check_preset(files[-1])
    workflow = ConfigWorkflow([str(file) for file in files], logging_file=False, workflow_type="train")
    # Paths stay Path: in a text MONAI finds expressions, references and macros, and takes every # for a separator.
    workflow.parser.update({"dataset_dir": Path(dataset_dir), "modality": modality})
    if output_dir is not None:
        workflow.parser["output_dir"] = Path(output_dir)
    if init is not None:
        workflow.parser["init"] = Path(init)
    for setting in settings:
        _set(workflow.parser, setting)
    _check_schedule(workflow.parser)
    folder = Path(workflow.parser.get_parsed_content("output_dir"))
    if resume:
        workflow.parser["checkpoint"] = _checkpoint_to_resume(folder)
    else:
        _refuse_a_run_in(folder)
    try:
        with interruptible():
            return _run(workflow, folder, minutes)
    except KeyboardInterrupt:
        logger.error("Interrupted. %s", _how_to_go_on(folder))
        raise


def newest_checkpoint(folder: Path) -> Path | None:
    """Find the checkpoint of the latest epoch that is whole."""
    found = sorted(folder.glob(CHECKPOINTS), key=_epoch, reverse=True)
    return next((path for path in found if _is_whole(path)), None)


def _run(workflow: ConfigWorkflow, folder: Path, minutes: float | None) -> int:
    try:
        with unwrapped():
            workflow.initialize()
            trainer = workflow.trainer
            _check_patches(workflow.parser)
            if not workflow.parser.get_parsed_content("validate#dataset").data:
                logger.warning("No image is held out for validation: nothing will tell how good this training is.")
    except RuntimeError as error:
        raise _unusable(error) from error
    if minutes is not None:
        limit = TimeLimit(max(1, round(60 * minutes)))
        limit.logger.setLevel(logging.WARNING)  # the last lines tell how the run ended
        # Within an epoch there is nothing to resume from, and limits shorter than one would never get past it.
        trainer.add_event_handler(Events.EPOCH_COMPLETED, limit)
    try:
        with unwrapped():
            workflow.run()
    except TrainingError as error:
        logger.error("%s", error)
        return 1
    except (OSError, RuntimeError, ValueError) as error:
        if trainer.state.iteration > 1:  # the first has shown that the configuration can be trained
            logger.debug("The run had to stop.", exc_info=error)
            cause = root_cause(error)
            if any(words in cause for words in NOT_WRITTEN):
                cause = f"{folder} must take whole checkpoints, got {cause}. Make room there"
            logger.error("Stopped in iteration %d: %s. %s", trainer.state.iteration, cause, _how_to_go_on(folder))
            return 1
        checkpoint = workflow.parser.get_parsed_content("checkpoint")
        if isinstance(error, (InputError, OSError)):
            raise
        if not checkpoint or trainer.state.iteration:
            raise _unusable(error) from error
        raise InputError(
            f"checkpoint must fit the configuration, got another in {checkpoint}. Resume with the run's own settings."
        ) from error
    early_stop = workflow.parser.get_parsed_content("validate#early_stop")
    if early_stop.waited >= early_stop.patience:
        told = "Ended in iteration %d: %d validations in a row were no better than the best, whose weights are %s."
        logger.info(told, trainer.state.iteration, early_stop.waited, folder / "model_best.pt")
    elif trainer.state.epoch < trainer.state.max_epochs:
        logger.info("Ended in iteration %d. %s", trainer.state.iteration, _how_to_go_on(folder))
    fidelity = folder / "model_fidelity.pt"
    also = f"; those from before the adversary: {fidelity}" if fidelity.is_file() else ""
    logger.info("Weights: %s%s.", folder / "model.pt", also)
    logger.info("Use them: monai-gan-denoise denoise INPUT OUTPUT --weights %s", folder / "model.pt")
    return 0


def _preset_file(preset: str) -> Path:
    packaged = packaged_presets() / f"{preset}.yaml"
    for file in (packaged, Path(preset)):
        if file.is_file():
            return file
    names = ", ".join(sorted(file.stem for file in packaged_presets().glob("*.yaml")))
    raise InputError(f"preset must be one of {names}, or a file, got {preset!r}. Choose one.")


def _check_preset(file: Path) -> None:
    try:
        entries = ConfigParser.load_config_file(file)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        got = f"an error in line {mark.line + 1}" if mark else "an error"
        raise InputError(f"preset must be YAML or JSON, got {got} in {file}. Correct it.") from error
    if not isinstance(entries, dict):
        raise InputError(f"preset must be a table of NAME: VALUE, got {type(entries).__name__} in {file}. Correct it.")


def _unusable(error: Exception) -> InputError:
    logger.debug("The configuration cannot be used.", exc_info=error)
    return InputError(f"configuration must be trainable, got {root_cause(error)}. Look at --set and --preset.")


def _set(parser: ConfigParser, setting: str) -> None:
    """Change an entry that there is, to a value of its kind; what is computed may become anything."""
    name, equals, text = setting.partition("=")
    if not equals:
        raise ValueError(f"--set must be NAME=VALUE, got {setting!r}. Name the entry and its value.")
    if name not in parser:
        raise ValueError(f"--set must name an entry of train.json, got {name!r}. Look it up there.")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    kind, wanted = _kind(value), _kind(parser[name])
    if kind is not wanted and not (_computed(value) or _computed(parser[name])):
        usual = json.dumps(parser[name], default=str)
        raise ValueError(f"{name} must be {KINDS[wanted]}, got {text}. Pass --set {name}={usual}.")
    parser[name] = Path(text) if isinstance(parser[name], Path) else value


def _kind(value: Any) -> type:
    if isinstance(value, Path):
        return str
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _computed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("$", "@"))


def _check_schedule(parser: ConfigParser) -> None:
    iterations, epoch_length = (parser.get_parsed_content(name) for name in ("iterations", "epoch_length"))
    names = ("warmup", "decay_from", "adversarial_from")
    turns = [parser.get_parsed_content(name) for name in names]
    if epoch_length < 1:
        raise ValueError(f"epoch_length must be positive, got {epoch_length}. Pass one that divides iterations.")
    if iterations < epoch_length:
        raise ValueError(
            f"iterations must be at least epoch_length, got {iterations} and {epoch_length}. "
            "Pass a smaller epoch_length."
        )
    warmup, decay_from, adversarial_from = turns
    if not 0 < warmup < decay_from < (adversarial_from or iterations):  # 0: adversarial from the start
        got = ", ".join(str(turn) for turn in turns)
        raise ValueError(f"{', '.join(names)} must be positive and rise, got {got}. Pass more iterations or set them.")


def _check_patches(parser: ConfigParser) -> None:
    """Show the discriminator a patch now: one too small would end the run only in the adversarial stage."""
    size, network = parser.get_parsed_content("patch_size"), parser.get_parsed_content("d_network")
    patch = torch.zeros(1, 1, size, size, device=parser.get_parsed_content("device"))
    try:
        with torch.no_grad():
            deepcopy(network)(patch, patch)  # a copy: spectral normalization keeps what it has seen
    except RuntimeError as error:
        raise InputError(f"patch_size must be one that the discriminator takes, got {size}. Pass more.") from error


def _checkpoint_to_resume(folder: Path) -> Path:
    checkpoint = newest_checkpoint(folder)
    if checkpoint is None:
        advice = "Pass another --output, or remove it." if _traces_of_a_run(folder) else "Leave --resume out."
        raise InputError(f"output must hold a checkpoint to resume from, got none in {folder}. {advice}")
    logger.info("Resuming from %s.", checkpoint)
    return checkpoint


def _refuse_a_run_in(folder: Path) -> None:
    found = _traces_of_a_run(folder)
    if found:
        can_go_on = newest_checkpoint(folder) is not None
        advice = "Pass --resume to go on with it, or another --output." if can_go_on else "Pass another, or remove it."
        raise InputError(f"output must be a folder without a run, got {found[0]}. {advice}")


def _traces_of_a_run(folder: Path) -> list[Path]:
    return [*folder.glob(CHECKPOINTS), *folder.glob("model*.pt")]


def _is_whole(path: Path) -> bool:
    """Read all of a checkpoint: one that was cut off lacks the end of its archive, a damaged one its checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        return False  # damage makes entries look encrypted, too large, oddly named or compressed


def _epoch(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem) or 0)


def _how_to_go_on(folder: Path) -> str:
    checkpoint = newest_checkpoint(folder)
    if checkpoint is None:
        return "There is no checkpoint yet to resume from."
    return f"The last checkpoint is {checkpoint}: the same command with --resume goes on from it."
