"""Training as users start it: folders, presets, settings, resuming, and one line for what goes wrong."""

from __future__ import annotations

import itertools
import logging
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine

from monai_gan_denoise import training
from monai_gan_denoise.cli import main
from monai_gan_denoise.engines import LossGuard
from monai_gan_denoise.io import packaged_presets
from monai_gan_denoise.networks import GanDenoiser, load_weights
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.training import newest_checkpoint, train

TINY = str(Path(__file__).parent / "tiny.yaml")  # 30 iterations in two epochs


def test_a_run_leaves_checkpoints_and_two_weights_and_says_how_to_use_them(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "monai_gan_denoise")
    run = tmp_path / "a run"
    assert train(dataset_dir, run, preset=TINY) == 0
    assert {path.name for path in run.iterdir()} == {
        "checkpoint_epoch=1.pt",
        "checkpoint_epoch=2.pt",
        "model.pt",
        "model_fidelity.pt",
    }
    saved = torch.load(run / "checkpoint_epoch=2.pt", weights_only=True)["ema"]
    network = load_weights(GanDenoiser(features=(8, 8), refinement_features=8, level_features=(4, 4)), run / "model.pt")
    assert all(torch.equal(saved[name], value) for name, value in network.state_dict().items())
    fidelity = torch.load(run / "model_fidelity.pt", weights_only=True)
    assert any(not torch.equal(fidelity[name], value) for name, value in saved.items())
    assert caplog.messages[-2:] == [
        f"Weights: {run / 'model.pt'}; those from before the adversary: {run / 'model_fidelity.pt'}.",
        f"Use them: monai-gan-denoise denoise INPUT OUTPUT --weights {run / 'model.pt'}",
    ]


def test_a_folder_of_which_nothing_is_held_out_trains_and_says_so(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = (dataset_dir / "manifest.csv").read_text()
    (dataset_dir / "manifest.csv").write_text(re.sub("v.png.*\n", "", table))
    assert train(dataset_dir, tmp_path / "run", preset=TINY, settings=["val_interval=1"]) == 0
    assert "No image is held out for validation: nothing will tell how good this training is." in caplog.messages


def test_a_run_is_never_overwritten(dataset_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "model_fidelity.pt").write_bytes(b"precious")
    with pytest.raises(InputError, match=r"output must be a folder without a run, got .*fidelity.pt. Pass another"):
        train(dataset_dir, tmp_path, preset=TINY)
    assert (tmp_path / "model_fidelity.pt").read_bytes() == b"precious"
    with pytest.raises(InputError, match=r"output must hold a checkpoint .* got none in .*\. Pass another --output"):
        train(dataset_dir, tmp_path, preset=TINY, resume=True)
    torch.save({}, tmp_path / "checkpoint_epoch=1.pt")
    with pytest.raises(InputError, match=r"output must be a folder without a run, got .*\. Pass --resume to go on"):
        train(dataset_dir, tmp_path, preset=TINY)


def test_nothing_to_resume_is_refused(dataset_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"output must hold a checkpoint to resume from, got none in .*run. Leave --"):
        train(dataset_dir, tmp_path / "run", preset=TINY, resume=True)


def test_the_newest_checkpoint_is_the_latest_that_is_whole(tmp_path: Path) -> None:
    for epoch in (2, 9, 10):
        torch.save({"epoch": epoch}, tmp_path / f"checkpoint_epoch={epoch}.pt")
    (tmp_path / "checkpoint_epoch=11.pt").write_bytes((tmp_path / "checkpoint_epoch=10.pt").read_bytes()[:-200])
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint_epoch=10.pt"
    assert newest_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize("place", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_a_checkpoint_that_is_damaged_anywhere_is_passed_over(tmp_path: Path, place: float) -> None:
    for epoch in (1, 2):
        torch.save({"weight": torch.ones(10_000)}, tmp_path / f"checkpoint_epoch={epoch}.pt")
    content = bytearray((tmp_path / "checkpoint_epoch=2.pt").read_bytes())
    start = int(place * len(content))
    content[start : start + 400] = bytes(255 - byte for byte in content[start : start + 400])
    (tmp_path / "checkpoint_epoch=2.pt").write_bytes(content)
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint_epoch=1.pt"


def test_a_checkpoint_of_other_settings_is_refused(dataset_dir: Path, tmp_path: Path) -> None:
    train(dataset_dir, tmp_path / "run", preset=TINY)
    settings = ['network_def={"_target_": "monai_gan_denoise.networks.GanDenoiser", "features": [8, 16]}']
    with pytest.raises(InputError, match=r"checkpoint must fit the configuration, got another in .*epoch=2.pt. Resume"):
        train(dataset_dir, tmp_path / "run", preset=TINY, settings=settings, resume=True)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch_length=10", "epoch_length must be 15, as the run began with, got 10"),
        ("iterations=45", "iterations must be 30, as the run began with, got 45"),
        ("learning_rate=1e-5", "learning_rate must be 0.0006, as the run began with, got 1e-05"),
        ("seed=1", "seed must be 0, as the run began with, got 1"),
    ],
)
def test_a_run_is_not_resumed_on_another_schedule(
    dataset_dir: Path, tmp_path: Path, setting: str, message: str
) -> None:
    train(dataset_dir, tmp_path, preset=TINY)
    (tmp_path / "checkpoint_epoch=2.pt").unlink()
    with pytest.raises(InputError, match=re.escape(message)):
        train(dataset_dir, tmp_path, preset=TINY, settings=[setting], resume=True)
    assert not (tmp_path / "checkpoint_epoch=2.pt").exists()


def test_a_complete_run_is_not_trained_further(dataset_dir: Path, tmp_path: Path) -> None:
    train(dataset_dir, tmp_path / "run", preset=TINY)
    before = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
    assert train(dataset_dir, tmp_path / "run", preset=TINY, resume=True) == 0
    after = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
    assert all(torch.equal(before[name], value) for name, value in after.items())


def test_a_resumed_run_keeps_the_best_weights_of_the_one_it_goes_on_with(dataset_dir: Path, tmp_path: Path) -> None:
    run, settings = tmp_path / "run", ["val_interval=1"]
    train(dataset_dir, run, preset=TINY, settings=settings)
    whole = torch.load(run / "checkpoint_epoch=2.pt", weights_only=True)["position"]["validation"]
    (run / "checkpoint_epoch=2.pt").unlink()
    train(dataset_dir, run, preset=TINY, settings=settings, resume=True)
    assert torch.load(run / "checkpoint_epoch=2.pt", weights_only=True)["position"]["validation"] == whole
    (run / "checkpoint_epoch=2.pt").unlink()
    (run / "model_best.pt").write_bytes(b"better")
    first = torch.load(run / "checkpoint_epoch=1.pt", weights_only=True)
    first["position"]["validation"]["best"] = 99.0  # dB, which no validation of two epochs reaches
    torch.save(first, run / "checkpoint_epoch=1.pt")
    train(dataset_dir, run, preset=TINY, settings=settings, resume=True)
    assert (run / "model_best.pt").read_bytes() == b"better"
    after = torch.load(run / "checkpoint_epoch=2.pt", weights_only=True)["position"]["validation"]
    assert after == {"best": 99.0, "best_epoch": 1, "waited": 1}


def test_a_checkpoint_without_a_validation_is_resumed(dataset_dir: Path, tmp_path: Path) -> None:
    train(dataset_dir, tmp_path, preset=TINY)
    earlier = torch.load(tmp_path / "checkpoint_epoch=1.pt", weights_only=True)
    earlier["position"] = {"epoch": 1, "iteration": 15}  # as version 0.1.0 wrote it
    torch.save(earlier, tmp_path / "checkpoint_epoch=1.pt")
    (tmp_path / "checkpoint_epoch=2.pt").unlink()
    assert train(dataset_dir, tmp_path, preset=TINY, resume=True) == 0


def test_a_time_limit_ends_the_run_with_weights_and_says_how_to_go_on(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "monai_gan_denoise")
    clock = itertools.count(step=50)  # an epoch takes fifty seconds
    monkeypatch.setattr("ignite.handlers.time_limit.time", SimpleNamespace(time=lambda: next(clock)))
    assert train(dataset_dir, tmp_path / "run", preset=TINY, minutes=2, settings=["epoch_length=5"]) == 0
    assert (tmp_path / "run" / "model.pt").is_file()
    assert caplog.messages[-3] == (
        f"Ended in iteration 15. The last checkpoint is {tmp_path / 'run' / 'checkpoint_epoch=3.pt'}: the same command "
        "with --resume goes on from it."
    )


def test_a_run_that_no_longer_improves_ends_and_says_where_its_best_weights_are(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "monai_gan_denoise")
    psnr = iter([30.0, 29.0, 28.0])
    monkeypatch.setattr("monai_gan_denoise.metrics.CappedPSNRMetric.aggregate", lambda _: torch.tensor([next(psnr)]))
    settings = ["epoch_length=5", "val_interval=1", "patience=2"]
    assert train(dataset_dir, tmp_path, preset=TINY, settings=settings) == 0
    best = tmp_path / "model_best.pt"
    assert best.is_file()
    assert caplog.messages[-3] == (
        f"Ended in iteration 15: 2 validations in a row were no better than the best, whose weights are {best}."
    )


def test_a_time_limit_shorter_than_an_epoch_gets_on_by_one_each_time(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "monai_gan_denoise")
    clock = itertools.count(step=60)
    monkeypatch.setattr("ignite.handlers.time_limit.time", SimpleNamespace(time=lambda: next(clock)))
    for epoch in (1, 2):
        assert train(dataset_dir, tmp_path, preset=TINY, minutes=0.1, resume=epoch > 1) == 0
        assert newest_checkpoint(tmp_path) == tmp_path / f"checkpoint_epoch={epoch}.pt"
    ended = [message for message in caplog.messages if message.startswith("Ended")]
    assert len(ended) == 1  # the second run was the whole one's end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_its_checkpoint_and_says_how_to_go_on(
    dataset_dir: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    def interrupt(_: LossGuard, engine: Engine) -> None:
        if engine.state.iteration == 18:
            signal.raise_signal(number)

    monkeypatch.setattr(LossGuard, "__call__", interrupt)
    with pytest.raises(SystemExit) as ended:
        main(["train", str(dataset_dir), "--output", str(tmp_path / "run"), "--preset", TINY])
    assert ended.value.code == 128 + number  # as POSIX shells report it
    checkpoint = tmp_path / "run" / "checkpoint_epoch=1.pt"
    assert zipfile.is_zipfile(checkpoint)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [checkpoint.name]
    assert caplog.messages[-1] == (
        f"Interrupted. The last checkpoint is {checkpoint}: the same command with --resume goes on from it."
    )


def test_a_loss_that_is_not_finite_ends_in_one_line_with_the_checkpoint_whole(
    dataset_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = LossGuard.__call__

    def spoil(self: LossGuard, engine: Engine) -> None:
        if engine.state.iteration == 18:
            engine.state.output["loss"] *= float("nan")
        guard(self, engine)

    monkeypatch.setattr(LossGuard, "__call__", spoil)
    assert train(dataset_dir, tmp_path / "run", preset=TINY) == 1
    assert caplog.messages[-1].startswith("loss must be finite, got nan in iteration 18 (epoch 2). The last checkpoint")
    saved = torch.load(tmp_path / "run" / "checkpoint_epoch=1.pt", weights_only=True)
    assert (saved["position"]["epoch"], saved["position"]["iteration"]) == (1, 15)
    assert not (tmp_path / "run" / "model.pt").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("iterations", r"--set must be NAME=VALUE, got 'iterations'. Name"),
        ("iteratoins=3", r"--set must name an entry of train.json, got 'iteratoins'. Look"),
        ("learning_rate#x=3", r"--set must name an entry of train.json, got 'learning_rate#x'. Look"),
        ("learning_rate=fast", r"learning_rate must be a number, got fast. Pass --set learning_rate=0.0006."),
        ("bfloat16=1", r"bfloat16 must be true or false, got 1. Pass --set bfloat16=false."),
        ("emphasis=3", r"emphasis must be an object, got 3. Pass --set emphasis={"),
        ("patch_size=[3]", r"patch_size must be a number, got \[3\]. Pass --set patch_size=32."),
        ("iterations=9", r"iterations must be at least epoch_length, got 9 and 15. Pass a smaller epoch_length."),
        ("decay_from=20", r"warmup, decay_from, adversarial_from must be positive and rise, got 3, 20, 20. Pass more"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(dataset_dir: Path, tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(dataset_dir, tmp_path / "run", preset=TINY, settings=[setting])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epoch_length=0"], "epoch_length must be positive, got 0. Pass"),
        (["--set", "patch_size=8"], "patch_size must be one that the discriminator takes, got 8. Pass more."),
        (["--set", "patch_size=20"], "patch_size must be one that the discriminator takes, got 20. Pass more."),
        (["--set", "emphasis#us=-1"], "configuration must be trainable, got "),
        (["--set", "device=foo"], "device type at start of device string: foo"),
        (["--set", "patience=0"], "patience must be positive, got 0."),
        (["--set", "output_dir=3"], "output_dir must be text, got 3. Pass --set output_dir="),
        (["--output", "manifest.csv/run"], "manifest.csv/run"),
        (["--preset", "broken.yaml"], "preset must be YAML or JSON, got an error in line 2 in broken.yaml. Correct"),
        (["--preset", "text.yaml"], "preset must be a table of NAME: VALUE, got str in text.yaml. Correct it."),
    ],
)
def test_what_cannot_be_trained_ends_with_2_and_one_line(
    dataset_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(dataset_dir)
    Path("broken.yaml").write_text("iterations: 3\nwarmup: [")
    Path("text.yaml").write_text("a recipe")
    with pytest.raises(SystemExit) as ended:
        main(["train", str(dataset_dir), "--output", "run", "--preset", TINY, *arguments])
    error = capsys.readouterr().err.splitlines()
    assert (ended.value.code, message in error[-1]) == (2, True), error
    assert not any("Traceback" in line for line in error)


def test_a_file_that_is_not_there_is_named(dataset_dir: Path, tmp_path: Path) -> None:
    (dataset_dir / "u2.png").unlink()
    with pytest.raises((OSError, ValueError), match=r"u2\.png"):
        train(dataset_dir, tmp_path / "run", preset=TINY)


def test_a_path_may_be_set(dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    monkeypatch.setattr(training, "_run", lambda _, folder, __: folders.append(folder))
    train(dataset_dir, tmp_path, preset=TINY, settings=[f"output_dir={tmp_path / '#1'}"])
    assert folders == [tmp_path / "#1"]


def test_a_disk_that_is_full_ends_the_run_in_one_line(dataset_dir: Path, tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from monai_gan_denoise.cli import main; main()", "train", str(dataset_dir)]
    words = [*program, "--output", str(tmp_path / "run"), "--preset", TINY]
    limited = ["bash", "-c", 'ulimit -f 40; exec "$@"', "bash", *words]  # files of 40 KiB
    # The file in which coverage counts would be too large, too.
    uncounted = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    run = subprocess.run(limited, capture_output=True, text=True, timeout=300, check=False, env=uncounted)
    error = run.stderr.splitlines()
    assert (run.returncode, "Traceback" in run.stderr) == (1, False), error
    assert error[-1].startswith(f"Stopped in iteration 15: {tmp_path / 'run'} must take whole checkpoints, got ")
    assert error[-1].endswith("Make room there. There is no checkpoint yet to resume from.")


def test_settings_reach_the_configuration(dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    monkeypatch.setattr(training, "_run", lambda workflow, folder, minutes: runs.append((workflow, folder, minutes)))
    settings = ["learning_rate=1e-4", "train#loss#weights#mean=7", "iterations=26", "device=$torch.device('meta')"]
    train(dataset_dir, preset="smoke", minutes=3.0, init=tmp_path / "#1 $best.pt", settings=settings)
    ((workflow, folder, minutes),) = runs
    assert (folder, minutes) == (Path("runs/smoke"), 3.0)
    read = workflow.parser.get_parsed_content
    assert (read("learning_rate"), read("train#loss#weights#mean"), str(read("device"))) == (1e-4, 7, "meta")
    assert (read("init"), read("dataset_dir")) == (tmp_path / "#1 $best.pt", dataset_dir)


def test_the_schedule_follows_the_number_of_iterations(
    dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    monkeypatch.setattr(training, "_run", lambda workflow, *_: runs.append(workflow.parser))
    for settings in ([], ["iterations=1300"]):
        train(dataset_dir, tmp_path, settings=settings)
    names = ("warmup", "decay_from", "adversarial_from", "adversarial_warmup")
    full, tenth = ([parser.get_parsed_content(name) for name in names] for parser in runs)
    assert full == [200, 12000, 22000, 500]
    assert tenth == [10, 600, 1100, 25]


def test_a_run_may_be_adversarial_from_the_start(
    dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_run", lambda *_: 0)
    assert train(dataset_dir, tmp_path, preset=TINY, settings=["adversarial_from=0"]) == 0


def test_an_unknown_preset_is_refused_with_those_there_are(dataset_dir: Path, tmp_path: Path) -> None:
    names = ", ".join(sorted(path.stem for path in packaged_presets().glob("*.yaml")))
    with pytest.raises(InputError, match=rf"preset must be one of {names}, or a file, got 'huge'. Choose one."):
        train(dataset_dir, tmp_path / "run", preset="huge")


@pytest.mark.parametrize("preset", sorted(path.stem for path in packaged_presets().glob("*.yaml")))
def test_a_preset_is_short_says_when_and_how_and_has_a_schedule(
    dataset_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    text = (packaged_presets() / f"{preset}.yaml").read_text()
    assert len(text.splitlines()) <= 25
    assert text.startswith("# ")
    assert f"--preset {preset} " in text or f"configs/{preset}.yaml" in text
    monkeypatch.setattr(training, "_run", lambda workflow, *_: 0)
    assert train(dataset_dir, tmp_path / "run", preset=preset) == 0


def test_the_sealed_splits_are_not_trained_on(dataset_dir: Path, tmp_path: Path) -> None:
    (dataset_dir / "t.png").write_bytes(b"not an image")  # of the split test
    assert train(dataset_dir, tmp_path / "run", preset=TINY) == 0


def test_a_command_line_that_cannot_be_ends_with_2_and_one_line(
    dataset_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", str(dataset_dir), "--output", str(tmp_path / "run"), "--resume"])
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert "output must hold a checkpoint to resume from" in output.err


def test_weights_of_another_network_are_refused_as_a_start(dataset_dir: Path, tmp_path: Path) -> None:
    torch.save(GanDenoiser(features=(8, 16)).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="weights must fit GanDenoiser, got another architecture"):
        train(dataset_dir, tmp_path / "run", preset=TINY, init=tmp_path / "other.pt")
