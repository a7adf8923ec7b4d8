"""The figure of a training's curves, from scalars written by TensorBoard itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from monai_gan_denoise.curves import LOGGED_EVERY, draw_curves, main, read_curves


def log_run(folder: Path, updates: int, epochs: int) -> None:
    with SummaryWriter(log_dir=str(folder)) as writer:
        for step in range(1, updates + 1):
            writer.add_scalar("log_error", -step / 10, step)
            writer.add_scalar("d_loss", 1 / step, step)
        for epoch in range(1, epochs + 1):
            writer.add_scalar("loss", 5.0 - epoch, epoch)
            writer.add_scalar("psnr", 30.0 + epoch, epoch)


def test_epochs_are_placed_at_their_last_update_and_runs_follow_one_another(tmp_path: Path) -> None:
    log_run(tmp_path / "first", updates=20, epochs=2)
    log_run(tmp_path / "second", updates=10, epochs=2)
    curves = read_curves([tmp_path / "first", tmp_path / "second"])
    assert [step for step, _ in curves["psnr"]] == [10, 20, 25, 30]
    assert [value for _, value in curves["psnr"]] == [31, 32, 31, 32]
    assert curves["log_error"][19] == (20, -2.0)
    assert curves["log_error"][20] == (21, pytest.approx(-0.1))


def test_the_figure_has_a_panel_for_each_curve(tmp_path: Path) -> None:
    log_run(tmp_path / "run", updates=20, epochs=2)
    curves = read_curves([tmp_path / "run"])
    draw_curves(curves, tmp_path / "all.png")
    draw_curves({"loss": curves["loss"]}, tmp_path / "one.png")
    widths = []
    for name in ("all.png", "one.png"):
        with Image.open(tmp_path / name) as figure:
            widths.append(figure.size[0])
    assert widths[0] == pytest.approx(3 * widths[1], abs=2)


def test_a_run_without_a_whole_epoch_is_named(tmp_path: Path) -> None:
    log_run(tmp_path, updates=3, epochs=0)
    with pytest.raises(ValueError, match=f"run must have a whole epoch, got none in {tmp_path}"):
        read_curves([tmp_path])


def test_a_run_too_short_to_log_its_terms_is_named(tmp_path: Path) -> None:
    log_run(tmp_path, updates=0, epochs=2)
    with pytest.raises(ValueError, match=f"run must have 50 updates or more, got fewer in {tmp_path}. Train longer"):
        read_curves([tmp_path])


def test_terms_are_logged_as_often_as_the_message_says(bundle_root: Path) -> None:
    recipe = (bundle_root / "configs" / "train.json").read_text()
    assert f"every={LOGGED_EVERY})" in recipe


def test_what_cannot_be_drawn_ends_in_one_line_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_run(tmp_path / "run", updates=20, epochs=2)
    refused = {
        (): "arguments must be RUN... FIGURE.png, got none.",
        ("run",): "arguments must be RUN... FIGURE.png, got run.",
        (tmp_path / "gone", "x.png"): f"run must be a folder, got {tmp_path / 'gone'}.",
        (tmp_path, tmp_path / "x.png"): f"run must hold TensorBoard's scalars, got none in {tmp_path}.",
        (tmp_path / "run", tmp_path): "directory",
    }
    for arguments, reason in refused.items():
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr().err
        assert end.value.code == 2
        assert reason in said
        assert said.count("\n") == 1
    main([str(tmp_path / "run"), str(tmp_path / "curves.png")])
    assert (tmp_path / "curves.png").is_file()


def test_a_folder_without_scalars_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"run must hold TensorBoard's scalars, got none in {tmp_path}"):
        read_curves([tmp_path])
