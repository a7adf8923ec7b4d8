"""Trainings in processes of their own: killed and resumed, and two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.integration

TINY = Path(__file__).parents[1] / "tiny.yaml"
PATIENCE = 300  # seconds; a run takes about ten where nothing else is going on
PROGRAM = "from monai_gan_denoise.cli import main; main()"


def command(dataset_dir: Path, run: Path, *options: str) -> list[str]:
    arguments = [str(dataset_dir), "--output", str(run), "--preset", str(TINY), "--set", "epoch_length=10", *options]
    return [sys.executable, "-c", PROGRAM, "train", *arguments]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore Ctrl-C
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed; what it said."""
    try:
        _, told = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, told
    return told


def stop_after(checkpoint: Path, process: subprocess.Popen[str], how: int) -> str:
    """End a process in the epoch after a checkpoint; what it said."""
    deadline = time.monotonic() + PATIENCE
    while not zipfile.is_zipfile(checkpoint):  # which it is once it is whole
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.05)
    process.send_signal(how)
    return process.communicate(timeout=PATIENCE)[1]


def assert_equal(one: object, other: object) -> None:
    """Compare nested states, tensors bit by bit."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_equal(value, other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_equal(*pair)
    else:
        assert one == other


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(dataset_dir: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(command(dataset_dir, whole)))
    process = start(command(dataset_dir, killed))
    stop_after(killed / "checkpoint_epoch=1.pt", process, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (killed / "checkpoint_epoch=3.pt").exists()
    told = finish(start(command(dataset_dir, killed, "--resume")))
    assert f"Resuming from {killed}" in told
    states = [torch.load(run / "checkpoint_epoch=3.pt", weights_only=True) for run in (whole, killed)]
    assert {"model", "ema", "discriminator", "optimizer", "d_optimizer", "lr_scheduler", "position"} == states[0].keys()
    assert states[0]["d_optimizer"]["state"]
    assert_equal(*states)
    for name in ("model.pt", "model_fidelity.pt"):
        assert_equal(*[torch.load(run / name, weights_only=True) for run in (whole, killed)])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_ends_as_shells_expect_and_says_how_to_go_on(
    dataset_dir: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start(command(dataset_dir, tmp_path / "run", "--set", "iterations=3000"))
    told = stop_after(tmp_path / "run" / "checkpoint_epoch=2.pt", process, number)
    assert process.returncode == code
    assert told.splitlines()[-1].startswith(
        f"Interrupted. The last checkpoint is {tmp_path / 'run' / 'checkpoint_epo'}"
    )
    assert told.count("Traceback") == 0


WITNESS = """
import sys
import torch
from monai.bundle import ConfigWorkflow
import torch.distributed as distributed
from monai.engines.utils import IterationEvents

config, output = sys.argv[1:4], sys.argv[5]
workflow = ConfigWorkflow(config, logging_file=False, workflow_type="train", dataset_dir=sys.argv[4], output_dir=output)
workflow.initialize()
trainer, noisy = workflow.trainer, []
trainer.add_event_handler(IterationEvents.FORWARD_COMPLETED, lambda: noisy.append(trainer.state.output["image"]))
workflow.run()
rank = distributed.get_rank()
states = {name: workflow.parser.get_parsed_content(name).state_dict() for name in ("network", "d_network")}
ema = workflow.parser.get_parsed_content("ema").ema_model.state_dict()
torch.save({**states, "ema": ema, "noisy": torch.stack(noisy)}, f"{output}.{rank}")
workflow.finalize()
"""


def test_two_processes_train_one_network_on_noise_of_their_own(
    bundle_root: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    configs = [bundle_root / "configs" / "train.json", bundle_root / "configs" / "multi_gpu_train.json", TINY]
    (tmp_path / "witness.py").write_text(WITNESS)
    arguments = [*configs, dataset_dir, tmp_path / "run"]
    run = ["torch.distributed.run", "--standalone", "--nproc_per_node=2", tmp_path / "witness.py", *arguments]
    finish(start([sys.executable, "-m", *map(str, run)]))
    first, second = (torch.load(tmp_path / f"run.{rank}", weights_only=True) for rank in range(2))
    for name in ("network", "d_network", "ema"):
        assert_equal(first[name], second[name])
    assert first["noisy"].shape == second["noisy"].shape
    assert not any(torch.equal(*pair) for pair in zip(first["noisy"], second["noisy"], strict=True))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "checkpoint_epoch=1.pt",
        "checkpoint_epoch=2.pt",
        "model.pt",
        "model_fidelity.pt",
    }
    assert_equal(torch.load(tmp_path / "run" / "model.pt", weights_only=True), first["ema"])
